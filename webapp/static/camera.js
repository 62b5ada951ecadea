// Camera frames to the API, one request in flight; boxes and labels over the live picture.
const $ = (id) => document.getElementById(id);
const video = $("video"), overlay = $("overlay"), message = $("message"), speed = $("speed"), said = $("said");
const grab = document.createElement("canvas");
const WIDTH = 640;
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

let stream = null;
let running = false;
let turn = 0; // of the loop that may ask; an older one ends when its answer comes
let answers = [];
let latest = null;
let idle = Promise.resolve(); // until the loop before has its answer: one request in flight

function task() {
  return document.querySelector("#tasks input:checked")?.value ?? "gender";
}

async function start() {
  if (stream) return stop("The camera is off.");
  if (!navigator.mediaDevices) {
    message.textContent = "This browser gives no camera to pages that are not on https or localhost.";
    return;
  }
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } }, audio: false });
  } catch (error) {
    message.textContent = error.name === "NotAllowedError" ? "The camera was not allowed. Allow it in the address bar and start again."
      : error.name === "NotFoundError" ? "No camera was found." : `The camera cannot be used (${error.name}).`;
    return;
  }
  stream.getVideoTracks()[0].addEventListener("ended", () => stop("The camera went away."));
  video.srcObject = stream;
  await video.play();
  $("start").textContent = "Stop the camera";
  $("pause").disabled = $("still").disabled = false;
  message.textContent = "";
  resume();
}

function stop(text) {
  running = false;
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  video.srcObject = null;
  latest = null;
  draw();
  $("start").textContent = "Start the camera";
  $("pause").textContent = "Pause";
  $("pause").disabled = $("still").disabled = true;
  speed.textContent = "";
  message.textContent = text;
}

function resume() {
  if (running) return;
  running = true;
  answers = [];
  video.play();
  $("pause").textContent = "Pause";
  loop();
}

function pause() {
  if (!running) return resume();
  running = false;
  video.pause();
  $("pause").textContent = "Go on";
}

async function loop() {
  const mine = ++turn;
  await idle;
  let done = () => {};
  idle = new Promise((resolve) => { done = resolve; });
  try {
    await ask(() => running && stream && turn === mine);
  } finally {
    done();
  }
}

async function ask(wanted) {
  let failures = 0;
  while (wanted()) {
    if (document.hidden || !video.videoWidth) {
      await new Promise((done) => setTimeout(done, 200));
      continue;
    }
    grab.width = Math.min(WIDTH, video.videoWidth);
    grab.height = Math.round(video.videoHeight * grab.width / video.videoWidth);
    grab.getContext("2d").drawImage(video, 0, 0, grab.width, grab.height);
    const frame = await new Promise((done) => grab.toBlob(done, "image/jpeg", 0.85));
    if (!wanted()) break;
    try {
      const answer = await fetch(`/api/v1/predict?task=${encodeURIComponent(task())}`, {
        method: "POST", body: frame, headers: { "Content-Type": "image/jpeg" },
      });
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.detail);
      if (!wanted()) break;
      failures = 0;
      message.textContent = "";
      latest = body;
      const now = performance.now();
      answers = [...answers.filter((at) => now - at < 2000), now];
      speed.textContent = `${(answers.length / 2).toFixed(1)} answers a second, ${Math.round(body.seconds * 1000)} ms each`;
      speed.dataset.answers = String(Number(speed.dataset.answers ?? 0) + 1);
      draw();
    } catch (error) {
      if (!wanted()) break;
      failures += 1;
      latest = null;
      draw();
      message.textContent = error instanceof TypeError ? "The connection is lost; trying again." : `Refused: ${error.message}`;
      await new Promise((done) => setTimeout(done, Math.min(500 * failures, 4000)));
    }
  }
}

function draw(target = overlay) {
  const wide = video.videoWidth || 640, high = video.videoHeight || 480;
  target.width = wide;
  target.height = high;
  const pen = target.getContext("2d");
  if (target !== overlay) pen.drawImage(video, 0, 0, wide, high);
  const told = [];
  for (const face of latest?.faces ?? []) {
    const scale = wide / latest.width;
    const { x, y, width, height } = face.box;
    const names = Object.keys(face.probabilities ?? {});
    const colour = face.needs_review ? "#5a5a5a" : COLOURS[Math.max(0, names.indexOf(face.label)) % COLOURS.length];
    const share = face.probabilities[face.label];
    const text = `${face.label}${share === undefined ? "" : ` ${Math.round(100 * share)}%`}${face.needs_review ? " ?" : ""}`;
    told.push(text);
    pen.lineWidth = Math.max(2, wide / 250);
    pen.strokeStyle = colour;
    pen.strokeRect(x * scale, y * scale, width * scale, height * scale);
    pen.font = `600 ${Math.max(16, wide / 40)}px system-ui, sans-serif`;
    const high = Math.max(22, wide / 30), room = pen.measureText(text).width + 14;
    const left = Math.min(Math.max(0, x * scale), wide - room), top = y * scale >= high ? y * scale - high : y * scale;
    pen.fillStyle = colour;
    pen.fillRect(left, top, room, high);
    pen.fillStyle = "#fff";
    pen.textBaseline = "middle";
    pen.fillText(text, left + 7, top + high / 2);
  }
  if (target === overlay) said.textContent = !stream ? "" : told.length ? told.join(", ") : "no face found";
}

function still() {
  const target = document.createElement("canvas");
  draw(target);
  target.toBlob((picture) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(picture);
    link.download = `eigenface-${new Date().toISOString().replace(/[:.]/g, "-")}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }, "image/png");
}

document.documentElement.classList.add("script");
$("start").disabled = false;
$("start").addEventListener("click", start);
$("pause").addEventListener("click", pause);
$("still").addEventListener("click", still);
window.addEventListener("pagehide", () => stop(""));
