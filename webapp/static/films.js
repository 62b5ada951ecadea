// A film on its way, and how far it is. Without this script the form works as a plain form, and pages load again.
const $ = (id) => document.getElementById(id);
const form = $("ask"), state = $("state");
const BETWEEN = 700; // milliseconds between two questions how far the film is
const ALIVE = 60000; // and between two that say that its page is still open
document.documentElement.classList.add("script");

function send(event) {
  const [film] = $("film").files;
  if (!film) return; // the server says what is missing
  event.preventDefault();
  const status = $("status"), sent = $("sent"), button = form.querySelector("button");
  const most = Number(form.dataset.most);
  if (film.size > most) {
    status.textContent = `${film.name}: ${Math.ceil(film.size / 1e6)} MB; the limit is ${most / 1e6} MB.`;
    return;
  }
  const asked = [...form.querySelectorAll("input[name=task]:checked")].map((box) => box.value).join(",");
  const query = new URLSearchParams({ name: film.name, ...asked && { task: asked }, ...form.elements.blur.checked && { blur: "1" } });
  const request = new XMLHttpRequest(); // fetch does not tell how much is sent
  const end = (text) => {
    status.textContent = text;
    sent.hidden = true;
    button.disabled = false;
  };
  request.open("POST", `/api/v1/films?${query}`);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.responseType = "json";
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    sent.value = loaded / total;
    status.textContent = loaded < total ? `Sending, ${Math.floor(100 * loaded / total)} %` : "Looking into it…";
  });
  request.addEventListener("load", () => {
    if (request.status === 202) location.href = `/films/${request.response.id}`;
    else end(request.response?.detail ?? `Refused (${request.status}).`);
  });
  request.addEventListener("error", () => end("The server cannot be reached. Is it still running?"));
  sent.hidden = false;
  button.disabled = true;
  status.textContent = "Sending…";
  request.send(film);
}

function drops() {
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => { event.preventDefault(); $("drop").classList.add("over"); });
  }
  for (const name of ["dragleave", "drop"]) {
    document.addEventListener(name, (event) => { event.preventDefault(); $("drop").classList.remove("over"); });
  }
  document.addEventListener("drop", ({ dataTransfer }) => {
    if (!dataTransfer.files.length) return;
    const bag = new DataTransfer();
    bag.items.add(dataTransfer.files[0]);
    $("film").files = bag.files;
  });
}

function words({ status, before, done, expected, seconds_left: left }) {
  if (status === "waiting") return before === 1 ? "1 film is answered before yours." : `${before} films are answered before yours.`;
  if (!done) return "Starting…";
  const time = left === null ? "" : left > 90 ? `, about ${Math.round(left / 60)} minutes left` : `, about ${Math.ceil(left)} seconds left`;
  return `${done} of ${expected} frames${time}`;
}

const leaving = new AbortController(); // a question on its way must not load the page again that a button leaves

async function follow() {
  const over = (status) => status === "done" || status === "failed";
  const { film, status } = state.dataset;
  for (;;) {
    await new Promise((done) => setTimeout(done, over(status) ? ALIVE : BETWEEN));
    try {
      const answer = await fetch(`/api/v1/films/${film}`, { signal: leaving.signal });
      const said = await answer.json();
      if (!answer.ok || said.status !== status) return location.reload();
      if (over(status)) continue;
      $("progress").max = said.expected || 1;
      $("progress").value = said.done;
      $("words").textContent = words(said);
    } catch {
      if (leaving.signal.aborted) return;
      if (!over(status)) $("words").textContent = "The connection is lost; trying again.";
    }
  }
}

form?.addEventListener("submit", send);
if (form) drops();
addEventListener("submit", () => leaving.abort());
if (state && state.dataset.status !== "failed") follow();
