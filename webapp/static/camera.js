// Camera frames to the server, one request in flight; steady boxes and labels over the live picture, and an alert.
const $ = (id) => document.getElementById(id);
const video = $("video"), overlay = $("overlay"), message = $("message"), speed = $("speed"), said = $("said");
const tasks = $("tasks"), watched = $("alert"), alarm = $("alarm");
const grab = document.createElement("canvas");
const WIDTH = 640;
const PATIENCE = 5000; // milliseconds without an answer, after which the connection counts as lost
const PAUSES = [500, 8000]; // before the first try again, and at most
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const LOST = "The connection is lost; trying again.";

let stream = null;
let wish = false; // whether the camera shall be on: it comes back after it went away
let running = false;
let turn = 0; // of the loop that may ask; an older one ends when its answer comes
let token = "";
let answers = []; // of the last two seconds: when they came, and how far behind the picture
let latest = null;
let alarmed = new Map(); // label by track that the alert is about
let sound = null;
let idle = Promise.resolve(); // until the loop before has its answer: one request in flight

const pause = (time) => new Promise((done) => setTimeout(done, time));
const task = () => tasks.querySelector("input[name=task]:checked")?.value ?? "gender";
const address = () => `/api/v1/cameras/${token}`;

async function start() {
  if (stream) {
    wish = false;
    return stop("The camera is off.");
  }
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
  wish = true;
  stream.getVideoTracks()[0].addEventListener("ended", () => stop("The camera went away. It starts again when it is back."));
  video.srcObject = stream;
  await video.play();
  $("start").textContent = "Stop the camera";
  $("pause").disabled = $("still").disabled = false;
  message.textContent = "";
  resume();
}

function stop(text) {
  forget();
  running = false;
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  video.srcObject = null;
  clear();
  $("start").textContent = "Start the camera";
  $("pause").textContent = "Pause";
  $("pause").disabled = $("still").disabled = true;
  message.textContent = text;
}

function resume() {
  if (running) return;
  running = true;
  video.play();
  $("pause").textContent = "Pause";
  loop();
}

function pauseOrGoOn() {
  if (!running) return resume();
  running = false;
  video.pause();
  $("pause").textContent = "Go on";
}

function clear() {
  latest = null;
  answers = [];
  alarmed.clear();
  speed.textContent = "";
  delete speed.dataset.lag;
  draw();
  showAlarm();
}

// What the server remembers of this camera is let go at once, not only when it has been silent for a while.
function forget() {
  if (token) fetch(address(), { method: "DELETE", keepalive: true }).catch(() => {});
  token = "";
}

async function loop() {
  const mine = ++turn;
  await idle;
  let done = () => {};
  idle = new Promise((resolve) => { done = resolve; });
  try {
    await ask(() => running && stream && !document.hidden && turn === mine);
  } finally {
    done();
  }
}

// The next picture of the camera; each is asked about once.
function picture() {
  if (!video.requestVideoFrameCallback) return pause(15);
  return Promise.race([new Promise((done) => video.requestVideoFrameCallback(done)), pause(200)]);
}

async function ask(wanted) {
  let failures = 0;
  while (wanted()) {
    await picture();
    if (!wanted()) break;
    if (!video.videoWidth) continue;
    const taken = performance.now();
    grab.width = Math.min(WIDTH, video.videoWidth);
    grab.height = Math.round(video.videoHeight * grab.width / video.videoWidth);
    grab.getContext("2d").drawImage(video, 0, 0, grab.width, grab.height);
    const frame = await new Promise((done) => grab.toBlob(done, "image/jpeg", 0.8));
    if (!wanted()) break;
    token ||= crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16)).join("-");
    const query = new URLSearchParams({ task: task(), ...watched.value && { alert: watched.value } });
    try {
      const answer = await fetch(`${address()}?${query}`, {
        method: "POST", body: frame, headers: { "Content-Type": "image/jpeg" }, signal: AbortSignal.timeout(PATIENCE),
      });
      const body = await answer.json();
      if (!answer.ok) throw new Error(`Refused: ${body.detail}`);
      if (!wanted()) break;
      failures = 0;
      message.textContent = "";
      latest = body;
      draw();
      told(taken);
    } catch (error) {
      if (!wanted()) break;
      clear();
      message.textContent = error.message.startsWith("Refused") ? error.message : LOST;
      await pause(Math.min(PAUSES[0] * 2 ** failures, PAUSES[1]));
      failures += 1;
    }
  }
}

// Speed and alert, after an answer about a picture that was taken then.
function told(taken) {
  const now = performance.now();
  answers = [...answers.filter(([at]) => now - at < 2000), [now, now - taken]];
  const lags = answers.map(([, lag]) => lag).sort((a, b) => a - b);
  const lag = Math.round(lags[lags.length >> 1]);
  const span = Math.max(0.5, (now - answers[0][0]) / 1000);
  speed.textContent = `${((answers.length - 1) / span).toFixed(0)} answers a second, ${lag} ms behind`;
  speed.dataset.answers = String(Number(speed.dataset.answers ?? 0) + 1);
  speed.dataset.lag = String(lag);
  const labels = new Map(latest.tracks.map((face) => [face.track, face.label]));
  for (const [track, label] of alarmed) if (labels.get(track) !== label) alarmed.delete(track);
  for (const { track, label, told: loud } of latest.alerts) {
    alarmed.set(track, label);
    if (loud && sound) beep();
  }
  showAlarm();
}

function showAlarm() {
  const text = [...alarmed].map(([track, label]) => `face ${track}: ${label}`).join(", ");
  if (alarm.textContent !== text) alarm.textContent = text;
  alarm.hidden = !text;
  $("stage").classList.toggle("alarmed", !!text);
}

function beep() {
  const tone = sound.createOscillator(), volume = sound.createGain();
  tone.frequency.value = 880;
  volume.gain.value = 0.2;
  tone.connect(volume).connect(sound.destination);
  tone.start();
  tone.stop(sound.currentTime + 0.25);
}

function showClasses() {
  const classes = JSON.parse(watched.dataset.classes)[task()] ?? [];
  const before = watched.value;
  watched.replaceChildren(new Option("nothing", ""), ...classes.map((name) => new Option(name, name)));
  watched.value = classes.includes(before) ? before : "";
  alarmed.clear();
}

function draw(target = overlay) {
  const wide = video.videoWidth || 640, high = video.videoHeight || 480;
  if (target.width !== wide) target.width = wide;
  if (target.height !== high) target.height = high;
  const pen = target.getContext("2d");
  pen.clearRect(0, 0, wide, high);
  if (target !== overlay) pen.drawImage(video, 0, 0, wide, high);
  const told = [];
  for (const face of latest?.tracks ?? []) {
    const scale = wide / latest.width;
    const { x, y, width, height } = face.box;
    const names = Object.keys(face.probabilities ?? {});
    const colour = face.needs_review ? "#5a5a5a" : COLOURS[Math.max(0, names.indexOf(face.label)) % COLOURS.length];
    const share = face.probabilities?.[face.label];
    const text = face.label === undefined ? "…"
      : `${face.label}${share === undefined ? "" : ` ${Math.round(100 * share)}%`}${face.needs_review ? " ?" : ""}`;
    told.push(text);
    pen.lineWidth = Math.max(2, wide / 250);
    pen.strokeStyle = colour;
    pen.strokeRect(x * scale, y * scale, width * scale, height * scale);
    pen.font = `600 ${Math.max(16, wide / 40)}px system-ui, sans-serif`;
    const tall = Math.max(22, wide / 30), room = pen.measureText(text).width + 14;
    const left = Math.min(Math.max(0, x * scale), wide - room), top = y * scale >= tall ? y * scale - tall : y * scale;
    pen.fillStyle = colour;
    pen.fillRect(left, top, room, tall);
    pen.fillStyle = "#fff";
    pen.textBaseline = "middle";
    pen.fillText(text, left + 7, top + tall / 2);
  }
  if (target === overlay) said.textContent = !latest ? "" : told.length ? told.join(", ") : "no face found";
}

function still() {
  const target = document.createElement("canvas");
  draw(target);
  target.toBlob((kept) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(kept);
    link.download = `eigenface-${new Date().toISOString().replace(/[:.]/g, "-")}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }, "image/png");
}

document.documentElement.classList.add("script");
showClasses();
$("start").disabled = false;
$("start").addEventListener("click", start);
$("pause").addEventListener("click", pauseOrGoOn);
$("still").addEventListener("click", still);
tasks.addEventListener("change", (event) => {
  if (event.target.name === "task") showClasses();
});
$("beep").addEventListener("change", (event) => {
  sound?.close();
  sound = event.target.checked ? new AudioContext() : null; // made by a click, or browsers keep it silent
});
document.addEventListener("visibilitychange", () => {
  if (!running) return;
  if (document.hidden) {
    forget();
    clear();
  } else loop();
});
navigator.mediaDevices?.addEventListener("devicechange", () => {
  if (wish && !stream) start();
});
window.addEventListener("pagehide", () => stop(""));
