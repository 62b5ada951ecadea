// Drop, paste and live adjustment. Without this script the form works as a plain form.
const form = document.getElementById("ask");
const field = document.getElementById("image");
const drop = document.getElementById("drop");
const preview = document.getElementById("preview");
const status = document.getElementById("status");
const results = document.getElementById("results");
const chosen = document.getElementById("chosen");
document.documentElement.classList.add("script");

let asking = null;
let again = 0;

function take(files) {
  const pictures = [...files].filter((file) => file.type.startsWith("image/") || !file.type);
  if (!pictures.length) {
    status.textContent = "That is not a picture.";
    return;
  }
  const bag = new DataTransfer();
  pictures.forEach((file) => bag.items.add(file));
  field.files = bag.files;
  changed();
}

function changed() {
  const names = [...field.files].map((file) => file.name);
  // One name stands in the field itself.
  chosen.textContent = names.length > 1 ? names.slice(0, 3).join(", ") + (names.length > 3 ? ` and ${names.length - 3} more` : "") : "";
  if (!names.length) return;
  if (!preview.hidden) showPreview();
  ask();
}

function adjust() {
  form.querySelectorAll("input[type=range]").forEach((slider) => {
    slider.previousElementSibling.textContent = slider.value + (slider.name === "blur" ? " px" : " %");
  });
  if (!field.files.length) return;
  if (preview.hidden) showPreview();
  showFilter();
  clearTimeout(again);
  again = setTimeout(ask, 350);
}

function showPreview() {
  URL.revokeObjectURL(preview.src);
  preview.src = URL.createObjectURL(field.files[0]);
  preview.hidden = false;
}

function showFilter() {
  const value = (name) => form.elements[name].value;
  preview.style.filter = `brightness(${value("brightness")}%) contrast(${value("contrast")}%) ` +
    `saturate(${value("colour")}%) blur(${value("blur") * preview.width / Math.max(preview.naturalWidth, 1)}px)`;
}

async function ask() {
  asking?.abort();
  clearTimeout(again);
  const mine = asking = new AbortController();
  status.textContent = "Looking…";
  try {
    const answer = await fetch(form.action, {
      method: "POST", body: new FormData(form), headers: { "X-Part": "results" }, signal: mine.signal,
    });
    const text = await answer.text();
    if (!answer.ok) {
      const told = new DOMParser().parseFromString(text, "text/html").querySelector("main");
      results.replaceChildren();
      status.textContent = told ? told.innerText.split("Status")[0].trim().replace(/\s+/g, " ") : `Refused (${answer.status}).`;
      return;
    }
    results.innerHTML = text;
    const said = [...results.querySelectorAll(".result > h2")].map((heading) => heading.firstChild.data.trim());
    status.textContent = said.length > 1 ? `${said.length} pictures: ${said.join("; ").toLowerCase()}` : said[0];
    document.querySelector(".cards")?.remove();
    results.scrollIntoView({ block: "nearest" });
  } catch (error) {
    if (error.name !== "AbortError") status.textContent = "The server cannot be reached. Is it still running?";
  }
}

preview.addEventListener("load", showFilter);
preview.addEventListener("error", () => { preview.hidden = true; }); // a format that this browser does not show
form.addEventListener("submit", (event) => {
  if (!field.files.length) return; // the server says what is missing
  event.preventDefault();
  ask();
});
field.addEventListener("change", changed);
form.addEventListener("input", (event) => {
  if (event.target.type === "range") adjust();
  else if (event.target !== field && field.files.length) ask();
});
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, (event) => { event.preventDefault(); drop.classList.remove("over"); });
}
document.addEventListener("drop", (event) => { if (event.dataTransfer.files.length) take(event.dataTransfer.files); });
document.addEventListener("paste", (event) => { if (event.clipboardData.files.length) take(event.clipboardData.files); });
