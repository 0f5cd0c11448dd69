// The settings page: reads and steers one workspace through the same GraphQL API as everyone else.
//
// Text from the server reaches the page as text only, never as markup. A part of the page is drawn again only
// when what it shows has changed, so that focus and half-typed input stay where they are.

import { contractsPart } from "./contracts.js";

const POLL_WHILE_RUNNING = 1500;
const POLL_WHILE_IDLE = 15000;
const RUNS_SHOWN = 10;
const AI_CALLS_SHOWN = 10;
const PAGE_SIZE = 20;
const MOST_AT_ONCE = 100;
const NEAR_EXPIRY = 30 * 24 * 3600 * 1000;

// --- What we ask for -----------------------------------------------------------------------------------------

const RUN = `id kind trigger state reason percent remainingSeconds startedAt endedAt seconds whopCalls twentyCalls balances
  streams { name seen written linked unchanged skipped { reason count } failed { reason count } }`;

const OVERVIEW = `query Overview {
  workspace { name server keyExpiresAt keyRefused schemaReady problems }
  whopConnectionStatus {
    isConnected handle title accountId connectedAt lastSyncAt health healthReason
    live liveAdvice webhookUrl missingPermissions warnings openRun { ${RUN} }
  }
}`;

const CARD = `member name question explanation askedAt
  candidates { person member deleted } allowed { choice person }`;

const LISTS = `query Lists($runs: Int!, $failed: Int!, $cards: Int!) {
  runs(first: $runs) { ${RUN} }
  failedRecords(first: $failed) { records { id stream recordId reason detail failedAt source } next }
  decisionCards(first: $cards, open: true) { cards { ${CARD} } next }
}`;

const CHOICES = `query Choices {
  settings { stages { status label stage } policies { object objectLabel field label policy default } }
  apiTokens { id name createdAt revokedAt }
}`;

const AI = `query Ai($day: String!, $calls: Int!) {
  aiSettings {
    serving { provider model } daily { tokens usd } keepTexts
    automations { onMembershipChange onFailedPayment nightly writeNote }
  }
  aiUsage(from: $day, to: $day) { spentToday { tokens usd } total { calls unpricedCalls } }
  aiCalls(first: $calls) { calls { id at operation model served usage { total } costUsd ending reason } }
}`;

const SAVE_AI = `mutation SaveAi($input: AiSettingsInput!) { updateAiSettings(input: $input) { keepTexts } }`;

const STEER = {
  pause: `mutation Pause($id: ID!) { pauseRun(id: $id) { id } }`,
  resume: `mutation Resume($id: ID!) { resumeRun(id: $id) { id } }`,
  cancel: `mutation Cancel($id: ID!) { cancelRun(id: $id) { id } }`,
};

// --- How we say it -------------------------------------------------------------------------------------------

const STREAM_NAMES = {
  VARIANTS: "Variants", PRODUCTS: "Products", MEMBERS: "Members", MEMBERSHIPS: "Memberships",
  REFUNDS: "Refunds", DISPUTES: "Disputes", PAYMENTS: "Payments",
};
const KIND_NAMES = { BACKFILL: "First sync", INCREMENTAL: "Sync of what changed", FULL: "Full comparison" };
const STATE_NAMES = { RUNNING: "Running", PAUSED: "Paused", CANCELLED: "Cancelled", FINISHED: "Finished", FAILED: "Stopped" };
const REASONS = {
  NEEDS_DECISION: "waiting for a decision", BY_CHOICE: "left out by your decision",
  DELETED_IN_TWENTY: "deleted in Twenty", STALE: "newer already there", OTHER_ACCOUNT: "another account",
  GONE_AT_WHOP: "gone at Whop", REFUSED_BY_TWENTY: "refused by Twenty",
  UNREADABLE: "could not be read", BUG: "our mistake",
};
const PROVIDER_NAMES = { OPENAI: "OpenAI", ANTHROPIC: "Anthropic" };
const OPERATION_NAMES = {
  GENERATE_TEXT: "Text", ANALYZE_SENTIMENT: "Sentiment", SCORE_LEAD: "Lead score", DRAFT_EMAIL: "E-mail draft",
  SUMMARIZE_TEXT: "Summary",
};
const ENDING_NAMES = {
  ANSWERED: "Answered", REFUSED: "Refused by the model", TRUNCATED: "Cut off", INVALID: "Did not pass our checks",
  FAILED: "No answer",
};
const POLICY_NAMES = { WHOP_WINS: "Whop wins", ONLY_IF_EMPTY: "Only if empty", CRM_WINS: "Twenty wins", NEWEST: "Newest" };
const OAUTH_ERRORS = {
  denied: "Whop was not connected, because the request was declined there. Try again and choose Allow.",
  expired: "Whop was not connected, because it took longer than ten minutes or happened in another browser. Try again.",
  "signed-out": "Whop was not connected, because you were signed out here. Connect with the Twenty API key again, then continue to Whop.",
  unavailable: "Signing in at Whop is not set up on this server. Connect with an API key instead.",
  failed: "Whop was not connected, because it did not confirm the sign-in. Try again in a minute, or use an API key.",
};

const plain = new Intl.NumberFormat();
const dollars = new Intl.NumberFormat(undefined, { style: "currency", currency: "USD", minimumFractionDigits: 2, maximumFractionDigits: 6 });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const count = (number, one, many = `${one}s`) => `${plain.format(number)} ${number === 1 ? one : many}`;
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

function duration(seconds) {
  if (seconds < 60) return count(Math.max(1, Math.round(seconds)), "second");
  if (seconds < 5400) return count(Math.round(seconds / 60), "minute");
  return `${(seconds / 3600).toFixed(1)} hours`;
}

// --- Small tools ---------------------------------------------------------------------------------------------

const $ = (id) => document.getElementById(id);

/** An element; texts among the children become text nodes, `null` is left out. */
function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "for" || name === "role") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function time(text) {
  const date = new Date(text);
  return el("time", { dateTime: text }, Number.isNaN(date.getTime()) ? text : moment.format(date));
}

/** Draws a part of the page anew, only if what it shows has changed; focus in it is kept where possible. */
const drawn = new WeakMap();
function draw(parent, shown, make) {
  const key = JSON.stringify(shown);
  if (drawn.get(parent) === key) return;
  drawn.set(parent, key);
  const focused = parent.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const opened = new Set([...parent.querySelectorAll("details[open]")].map((it) => it.dataset.key));
  parent.replaceChildren(...make());
  for (const it of parent.querySelectorAll("details")) it.open = opened.has(it.dataset.key);
  if (focused !== null && focused !== undefined) refocus(parent, focused);
}

function refocus(parent, key) {
  const same = parent.querySelector(`[data-key="${CSS.escape(key)}"]`);
  (same ?? parent.closest("section")?.querySelector("h2"))?.focus();
}

function keyed(node, key) {
  node.dataset.key = key;
  return node;
}

// --- Talking to the server -----------------------------------------------------------------------------------

/** What the server answered when it did not do it; `message` says what to do. */
class Refusal extends Error {
  constructor({ code = "INTERNAL", message, requestId, request_id: id, field }) {
    super(message || "Something went wrong on our side. Try again in a moment.");
    this.code = code;
    this.field = field;
    this.requestId = requestId ?? id;
  }
}

async function post(path, body) {
  const request = {
    method: "POST", credentials: "same-origin", cache: "no-store",
    headers: { "content-type": "application/json", "x-requested-with": "settings" },
    body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(path, request);
  } catch {
    throw new Refusal({ code: "OFFLINE", message: "The server cannot be reached. Check your network, then try again." });
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refusal({ code: response.status === 401 ? "UNAUTHENTICATED" : undefined, ...answer });
  return answer;
}

async function ask(query, variables = {}) {
  const { data, errors } = await post("/graphql", { query, variables });
  if (errors?.length) throw new Refusal({ message: errors[0].message, ...errors[0].extensions });
  return data;
}

// --- Saying things -------------------------------------------------------------------------------------------

function say(text) {
  $("alert").replaceChildren();
  $("said").replaceChildren(el("p", { className: "notice good" }, text));
}

function complain(error) {
  $("said").replaceChildren();
  const id = error.requestId ? ` (Request ${error.requestId})` : "";
  const text = error instanceof Refusal ? error.message + id : "Something went wrong on this page. Load it again.";
  if (!(error instanceof Refusal)) console.error(error);
  $("alert").replaceChildren(el("p", { className: "notice bad" }, text));
}

function hush() {
  $("alert").replaceChildren();
  $("said").replaceChildren();
}

/** Asks before something that cannot be taken back; the answer is true or false. */
function confirmed(title, text, verb) {
  const dialog = $("confirm");
  $("confirm-title").textContent = title;
  $("confirm-text").textContent = text;
  $("confirm-yes").textContent = verb;
  dialog.returnValue = "no";
  dialog.showModal();
  $("confirm-no").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

// --- Forms and buttons ---------------------------------------------------------------------------------------

/** While `work` runs, its button is inert but keeps the focus; a second press does nothing. */
async function busy(button, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

function onPress(id, work) {
  const button = $(id);
  button.addEventListener("click", () => busy(button, () => attempt(work)));
}

async function attempt(work) {
  hush();
  const section = document.activeElement?.closest("section");
  try {
    await work();
    if (section) keepFocus(section);
  } catch (error) {
    if (error.code === "UNAUTHENTICATED") return showSignedOut(error);
    complain(error);
  }
}

/** If what had the focus is gone, the next heading gets it, so that keyboard users are not thrown to the top. */
function keepFocus(section) {
  const focused = document.activeElement;
  if (focused !== document.body && focused.checkVisibility()) return;
  const after = [...document.querySelectorAll("section")];
  const next = after.slice(after.indexOf(section)).find((it) => !it.hidden);
  (next ?? $("main")).querySelector("h2")?.focus();
}

/** Sends a form through `work`, which gets its values; what is wrong is shown beside the field. */
function onSubmit(id, work) {
  const form = $(id);
  const button = form.querySelector("button[type=submit]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(button, () => send(form, work));
  });
  form.addEventListener("input", (event) => event.target.removeAttribute("aria-invalid"));
}

async function send(form, work) {
  hush();
  clearErrors(form);
  if (!complete(form)) return;
  const values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
  try {
    await work(values, form);
  } catch (error) {
    if (!(error instanceof Refusal)) return complain(error);
    if (error.code === "UNAUTHENTICATED" && form.id !== "twenty-form") return showSignedOut(error);
    showError(form, error.message, form.elements.namedItem(error.field ?? "") ?? null);
  }
}

function clearErrors(form) {
  for (const error of form.querySelectorAll(".error")) error.textContent = "";
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

function complete(form) {
  for (const input of form.querySelectorAll("input")) {
    const name = input.labels?.[0]?.textContent ?? "This field";
    const wrong = !input.value.trim() && input.required ? `${name}: please fill this in.`
      : input.validity.typeMismatch ? `${name}: please give a whole address that starts with https://.`
      : input.validity.patternMismatch ? `${name}: ${input.title}` : null;
    if (wrong === null) continue;
    showError(form, wrong, input);
    return false;
  }
  return true;
}

/** Beside the field if we know it, else at the end of the form; the field gets the focus. */
function showError(form, message, input) {
  const own = input && document.getElementById(`${input.id}-error`);
  const place = own ?? document.getElementById(`${form.id}-error`) ?? form.querySelector(".error");
  place.textContent = message;
  const target = input ?? form.querySelector("input");
  input?.setAttribute("aria-invalid", "true");
  target?.focus();
  $("announcer").textContent = message;
}

// --- The state of the page -----------------------------------------------------------------------------------

const page = { overview: null, openRun: null, failedShown: PAGE_SIZE, cardsShown: PAGE_SIZE, timer: 0, ticket: 0 };

const SIGNED_IN = ["who"];
const CONNECTED = ["status", "sync", "runs", "member", "ai", "contracts", "choices", "leave"];
const EVERYTHING = [...SIGNED_IN, ...CONNECTED, "sign-in", "connect-whop", "attention", "cards", "failed"];

function showOnly(ids) {
  for (const id of EVERYTHING) $(id).hidden = !ids.includes(id);
  $("loading").hidden = true;
}

function showSignedOut(error) {
  clearTimeout(page.timer);
  const wasSignedIn = page.overview !== null;
  page.overview = null;
  page.openRun = null;
  showOnly(["sign-in"]);
  if (!wasSignedIn) return;
  if (error) complain(new Refusal({ message: "You were signed out. Connect with the API key again." }));
  $("sign-in-title").focus();
}

/** Reads the state of things and draws it; `lists` also reads what changes rarely. */
async function refresh({ lists = false } = {}) {
  const ticket = ++page.ticket;
  const overview = await ask(OVERVIEW);
  if (ticket !== page.ticket) return;
  const before = page.openRun;
  page.overview = overview;
  page.openRun = overview.whopConnectionStatus.openRun;
  drawOverview(overview);
  const ended = before !== null && before.id !== page.openRun?.id;
  if (ended) await tellEnd(before.id);
  if (lists || ended) await refreshLists();
}

async function refreshLists() {
  if (!hasConnection(page.overview)) return;
  const lists = await ask(LISTS, { runs: RUNS_SHOWN, failed: page.failedShown, cards: page.cardsShown });
  drawRuns(lists.runs);
  drawFailed(lists.failedRecords);
  drawCards(lists.decisionCards);
  await refreshAi();
  await contracts.refresh();
}

/** What goes wrong here is told here, so that the rest of the page stays of use. */
async function refreshAi() {
  try {
    const day = new Date().toISOString().slice(0, 10);
    drawAi(await ask(AI, { day, calls: AI_CALLS_SHOWN }));
    $("ai-error").textContent = "";
  } catch (error) {
    if (error.code === "UNAUTHENTICATED") throw error;
    $("ai-error").textContent = `This part cannot be shown. ${error.message}`;
  }
}

async function refreshChoices() {
  const { settings, apiTokens } = await ask(CHOICES);
  drawStages(settings.stages);
  drawPolicies(settings.policies);
  drawTokens(apiTokens);
}

async function tellEnd(id) {
  const { run } = await ask(`query Ended($id: ID!) { run(id: $id) { ${RUN} } }`, { id });
  if (run.state === "FINISHED") return say(`${KIND_NAMES[run.kind]} finished: ${summary(run)}.`);
  if (run.state === "FAILED") complain(new Refusal({ message: `${KIND_NAMES[run.kind]} stopped. ${run.reason ?? ""}` }));
  else say(`${KIND_NAMES[run.kind]}: ${STATE_NAMES[run.state].toLowerCase()}. What it did stays.`);
}

const hasConnection = (overview) => overview !== null && overview.whopConnectionStatus.health !== "NOT_CONNECTED";

// --- Polling -------------------------------------------------------------------------------------------------

let idlePolls = 0;

function schedule() {
  clearTimeout(page.timer);
  if (document.hidden || page.overview === null) return;
  const wait = page.openRun?.state === "RUNNING" ? POLL_WHILE_RUNNING : POLL_WHILE_IDLE;
  page.timer = setTimeout(poll, wait);
}

async function poll() {
  if (document.hidden) return;
  try {
    idlePolls = page.openRun === null ? idlePolls + 1 : 0;
    await refresh({ lists: idlePolls % 4 === 1 });
    if ($("alert").dataset.offline) hush();
    delete $("alert").dataset.offline;
  } catch (error) {
    if (error.code === "UNAUTHENTICATED") return showSignedOut(error);
    $("alert").dataset.offline = "yes";
    complain(error);
  }
  schedule();
}

/** After the user changed something: read everything again and go on from there. */
async function changed() {
  await refresh({ lists: true });
  schedule();
}

// --- Drawing: the overview -----------------------------------------------------------------------------------

function drawOverview({ workspace, whopConnectionStatus: status }) {
  const connected = status.health !== "NOT_CONNECTED";
  const shown = [...SIGNED_IN];
  if (connected) shown.push(...CONNECTED);
  if (!status.isConnected) shown.push("connect-whop");
  const attention = notices(workspace, status);
  if (attention.length) shown.push("attention");
  for (const id of ["cards", "failed"]) if (connected && !$(id).hidden) shown.push(id);
  showOnly(shown);
  $("workspace-name").textContent = workspace.name;
  $("connect-whop-title").textContent = connected ? "Connect Whop again" : "Connect Whop";
  draw($("attention-list"), attention, () => attention.map(notice));
  $("new-key").hidden = !workspace.keyRefused && nearExpiry(workspace) === null;
  if (!connected) return;
  drawStatus(status);
  drawSync(status);
}

/** What a person should mend, worst first. */
function notices(workspace, status) {
  const found = [];
  const add = (tone, title, text) => found.push({ tone, title, text });
  if (workspace.keyRefused) add("bad", "Twenty refuses the API key", "It was revoked or its role was changed. Nothing can be written until you replace the key below.");
  if (status.health === "NEEDS_RECONNECT") add("bad", "Whop no longer lets us in", `${status.healthReason ?? "The consent was withdrawn."} Connect Whop again below; nothing is lost.`);
  for (const problem of workspace.problems) add("bad", "Something in Twenty needs mending", problem);
  if (status.missingPermissions.length) add("warn", "Whop hides some records from us", `Whop leaves out what a key may not read, without saying so. Add these permissions and connect again: ${status.missingPermissions.join(", ")}.`);
  for (const warning of status.warnings.filter((it) => !isSaid(workspace, it))) add("warn", "Before the next sync", warning);
  const expires = nearExpiry(workspace);
  if (expires && !workspace.keyRefused) add("warn", "The Twenty API key expires soon", `It stops working on ${moment.format(expires)}. Replace it before then.`);
  return found;
}

/** Some warnings repeat what the workspace says of itself. */
function isSaid({ problems, keyRefused }, warning) {
  return problems.includes(warning) || (keyRefused && warning.startsWith("Twenty refuses"));
}

/** When the Twenty key stops working, if that is soon. */
function nearExpiry({ keyExpiresAt }) {
  const expires = keyExpiresAt && new Date(keyExpiresAt);
  return expires && expires - Date.now() < NEAR_EXPIRY ? expires : null;
}

function notice({ tone, title, text }) {
  return el("li", { className: tone }, el("strong", {}, title), el("span", {}, text));
}

function drawStatus(status) {
  const facts = [
    ["Whop account", status.title ?? status.handle ?? status.accountId],
    ["Access", status.health === "CONNECTED" ? ["good", "Connected"] : ["bad", "Needs to be connected again"]],
    ["News from Whop", status.live === "POLLING" ? ["warn", "Every 15 minutes"] : ["good", "Live, within seconds"]],
    ["Last sync", status.lastSyncAt],
    ["Webhook", status.webhookUrl],
  ];
  draw($("status-facts"), [facts, status.handle], () => facts.filter(([, fact]) => fact || fact === null).flatMap(([name, fact]) => factRow(name, fact, status)));
  $("go-live").hidden = status.live === "WEBHOOK";
  $("go-live-title").textContent = status.live === "POLLING" ? "Get news within seconds" : "Change the webhook";
  $("live-advice").textContent = status.liveAdvice ?? "";
  $("rotate").hidden = status.live !== "WEBHOOK";
}

function factRow(name, fact, status) {
  if (name === "Webhook" && !fact) return [];
  const value = el("dd");
  if (Array.isArray(fact)) value.append(el("span", { className: `mark ${fact[0]}` }, fact[1]));
  else if (name === "Last sync") value.append(fact ? time(fact) : "Not yet");
  else if (name === "Webhook") value.append(el("span", { className: "mono" }, fact));
  else value.append(status.handle && status.handle !== fact ? `${fact} (${status.handle})` : fact);
  return [el("dt", {}, name), value];
}

function drawSync(status) {
  const run = status.openRun;
  $("sync-idle").hidden = run !== null;
  $("sync-run").hidden = run === null;
  if (run !== null) return drawProgress(run);
  const first = status.lastSyncAt === null;
  $("sync-lead").textContent = first
    ? "Nothing was synced yet. The first sync adds the Whop fields to Twenty, then reads products, members, memberships and payments. You can pause it at any time."
    : "Whop is read every 15 minutes, and compared in full every night.";
  $("sync-now").textContent = first ? "Start first sync" : "Sync now";
  $("sync-full").hidden = first;
  $("sync-full-help").hidden = first;
}

// --- Drawing: progress and receipts --------------------------------------------------------------------------

let announced = "";

function drawProgress(run) {
  const bar = $("progress");
  const known = run.percent !== null;
  if (known) bar.value = run.percent;
  else bar.removeAttribute("value");
  $("progress-label").textContent = run.state === "PAUSED" ? `${KIND_NAMES[run.kind]}, paused` : KIND_NAMES[run.kind];
  $("progress-percent").textContent = known ? `${run.percent} %` : "";
  $("progress-detail").textContent = progressText(run);
  $("run-pause").hidden = run.state === "PAUSED";
  $("run-resume").hidden = run.state !== "PAUSED";
  draw($("progress-receipt"), run.streams, () => (run.streams.length ? [receipt(run, "So far")] : []));
  announce(run);
}

function progressText(run) {
  const seen = sum(run.streams.map((it) => it.seen));
  const parts = [seen ? `${count(seen, "record")} read` : "Preparing the fields in Twenty"];
  if (run.remainingSeconds !== null && run.state === "RUNNING") parts.push(`about ${duration(run.remainingSeconds)} left`);
  return parts.join(", ");
}

/** Tells listeners about every tenth only; a word each second would drown everything else. */
function announce(run) {
  const step = run.percent === null ? "" : `, ${Math.floor(run.percent / 10) * 10} percent`;
  const text = `${KIND_NAMES[run.kind]} ${STATE_NAMES[run.state].toLowerCase()}${step}`;
  if (text === announced) return;
  announced = text;
  $("announcer").textContent = text;
}

function summary(run) {
  const of = (name) => sum(run.streams.map((it) => it[name]));
  const aside = (name) => sum(run.streams.flatMap((it) => it[name].map((part) => part.count)));
  const parts = [`${plain.format(of("written"))} written`, `${plain.format(of("unchanged"))} unchanged`];
  if (aside("skipped")) parts.push(`${plain.format(aside("skipped"))} skipped`);
  if (aside("failed")) parts.push(`${plain.format(aside("failed"))} failed`);
  return parts.join(", ");
}

function receipt(run, caption) {
  const heads = ["Stream", "Seen", "Written", "Linked", "Unchanged", "Skipped", "Failed"];
  const head = el("tr", {}, ...heads.map((text) => el("th", { scope: "col" }, text)));
  const rows = run.streams.map((it) => el("tr", {},
    el("th", { scope: "row" }, STREAM_NAMES[it.name] ?? it.name),
    ...[it.seen, it.written, it.linked, it.unchanged].map((number) => el("td", {}, plain.format(number))),
    aside(it.skipped), aside(it.failed)));
  const table = el("table", {}, el("caption", {}, caption), el("thead", {}, head), el("tbody", {}, ...rows));
  const label = `${caption}: ${KIND_NAMES[run.kind]}`;
  return keyed(el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": label }, table), `table ${run.id}`);
}

function aside(parts) {
  const cell = el("td", {}, plain.format(sum(parts.map((it) => it.count))));
  for (const it of parts) cell.append(el("small", {}, `${plain.format(it.count)} ${REASONS[it.reason] ?? it.reason}`));
  return cell;
}

function drawRuns(runs) {
  const over = runs.filter((run) => run.endedAt !== null);
  draw($("run-list"), over, () => (over.length ? over.map(runItem) : [el("p", { className: "muted" }, "No sync has finished yet.")]));
}

function runItem(run) {
  const tone = run.state === "FAILED" || !run.balances ? "bad" : run.streams.some((it) => it.failed.length) || run.state === "CANCELLED" ? "warn" : "good";
  const line = el("span", { className: "line" },
    el("span", { className: `mark ${tone}` }, KIND_NAMES[run.kind]), time(run.startedAt),
    el("span", { className: "muted" }, run.state === "FINISHED" ? summary(run) : STATE_NAMES[run.state]));
  const body = [el("summary", {}, line)];
  if (run.reason) body.push(el("p", { className: "notice bad" }, run.reason));
  if (run.streams.length) body.push(receipt(run, "Receipt"));
  body.push(el("p", { className: "receipt-foot" }, receiptFoot(run)));
  const item = keyed(el("details", { className: "run" }, ...body), run.id);
  keyed(item.firstChild, `summary ${run.id}`);
  return item;
}

function receiptFoot(run) {
  const by = run.trigger === "SCHEDULE" ? "started by the schedule" : "started by hand";
  const calls = `${count(run.whopCalls, "call")} to Whop, ${plain.format(run.twentyCalls)} to Twenty`;
  const balance = run.balances ? "The receipt balances: every record seen is accounted for."
    : "The receipt does not balance. Compare everything to make it good.";
  return `${duration(run.seconds)}, ${calls}, ${by}. ${balance}`;
}

// --- Drawing: failed records and decisions -------------------------------------------------------------------

function drawFailed({ records, next }) {
  $("failed").hidden = records.length === 0;
  $("failed-more").hidden = next === null || page.failedShown === MOST_AT_ONCE;
  draw($("failed-list"), records, () => records.map(failedItem));
}

function failedItem(record) {
  const button = keyed(el("button", { type: "button", className: "quiet" }, "Try again"), `retry ${record.id}`);
  button.setAttribute("aria-label", `Try ${record.id} again`);
  button.addEventListener("click", () => busy(button, () => attempt(() => retry([record.id]))));
  const head = el("p", { className: "side" },
    el("strong", { className: "mono" }, record.id), el("span", { className: "muted" }, time(record.failedAt)));
  const why = [REASONS[record.reason] ?? record.reason, record.detail].filter(Boolean).join(": ");
  return el("li", { className: "item" }, head, el("p", {}, why[0].toUpperCase() + why.slice(1)), sourceOf(record), button);
}

function sourceOf({ id, source }) {
  if (!source) return null;
  const heading = keyed(el("summary", {}, "What Whop sent"), `source summary ${id}`);
  return keyed(el("details", {}, heading, el("pre", {}, pretty(source))), `source ${id}`);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function retry(ids) {
  const { retryFailedRecords: { count: number } } = await ask(
    `mutation Retry($ids: [ID!]) { retryFailedRecords(ids: $ids) { count } }`, { ids });
  say(`${count(number, "record")} will be tried again.`);
  await changed();
}

function drawCards({ cards, next }) {
  $("cards").hidden = cards.length === 0;
  $("cards-more").hidden = next === null || page.cardsShown === MOST_AT_ONCE;
  draw($("card-list"), cards, () => cards.map(decisionCard));
}

function decisionCard(card) {
  const title = el("legend", {}, el("strong", {}, card.name), el("span", { className: "muted mono" }, ` ${card.member}`));
  const people = el("ul", { className: "plain muted" }, ...card.candidates.map((it) => el("li", {}, ...candidate(card, it))));
  const choices = card.allowed.map((it, at) => choiceLine(card, it, at));
  const error = el("p", { className: "error", role: "alert" });
  const button = keyed(el("button", { type: "submit", className: "quiet" }, "Save this decision"), `settle ${card.member}`);
  const form = el("form", { className: "card" },
    el("fieldset", {}, title, el("p", {}, card.explanation), people, ...choices), error, button);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const picked = card.allowed[Number(new FormData(form).get("choice") ?? -1)];
    error.textContent = picked ? "" : "Choose one of the answers first.";
    if (picked) busy(button, () => attempt(() => settle(card, picked)));
  });
  return form;
}

/** People have no names here, since none are stored; a letter tells them apart and a link shows who they are. */
function personName({ candidates }, person) {
  const at = candidates.findIndex((it) => it.person === person);
  return candidates.length > 1 ? `person ${String.fromCharCode(65 + at)}` : "this person";
}

function candidate(card, { person, member, deleted }) {
  const name = personName(card, person);
  const address = personAddress(person);
  const about = [deleted && "in the bin", member && member !== card.member && `is the Whop member ${member}`].filter(Boolean).join(", ");
  const link = address === null || deleted ? el("span", {}, `${name[0].toUpperCase()}${name.slice(1)}: ${person}`)
    : keyed(el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, `Look at ${name} in Twenty`), `person ${card.member} ${person}`);
  return about ? [link, ` (${about})`] : [link];
}

function choiceLine(card, { choice, person }, at) {
  const radio = keyed(el("input", { type: "radio", name: "choice", value: String(at) }), `choice ${card.member} ${at}`);
  return el("label", { className: "choice" }, radio, el("span", {}, choiceText(choice, personName(card, person))));
}

function choiceText(choice, person) {
  return {
    LINK: `The member is ${person}. Link the two.`,
    WITHOUT_EMAIL: "The member is somebody else. Keep a person of their own, without this e-mail.",
    RESTORE: `The member is ${person}. Take it out of the bin and link the two.`,
    SKIP: "Leave this member out of Twenty.",
  }[choice] ?? choice;
}

/** Where a person opens in Twenty; the cloud's API has another host than its pages. */
function personAddress(person) {
  try {
    const server = new URL(page.overview.workspace.server);
    if (server.protocol !== "https:" && server.protocol !== "http:") return null;
    const origin = server.hostname === "api.twenty.com" ? "https://app.twenty.com" : server.origin;
    return `${origin}/object/person/${encodeURIComponent(person)}`;
  } catch {
    return null;
  }
}

async function settle(card, { choice, person }) {
  await ask(
    `mutation Settle($member: ID!, $choice: CardChoice!, $person: ID) {
      settleDecisionCard(member: $member, choice: $choice, person: $person) { member }
    }`, { member: card.member, choice, person });
  say(`Decided for ${card.name}. Twenty is brought up to date in a moment.`);
  await changed();
}

// --- Drawing: settings and tokens ----------------------------------------------------------------------------

function drawStages(stages) {
  const names = [...new Set(stages.map((it) => it.stage))].sort();
  draw($("stage-names"), names, () => names.map((name) => el("option", { value: name })));
  draw($("stages-list"), stages, () => stages.map(({ status, label, stage }) => {
    const input = keyed(el("input", {
      id: `stage-${status}`, name: status, value: stage, defaultValue: stage, required: true, spellcheck: false,
      autocomplete: "off", pattern: "[A-Z_][A-Z0-9_]*", title: "please use capital letters, digits and underscores only.",
    }), `stage ${status}`);
    input.setAttribute("list", "stage-names");
    input.setAttribute("aria-describedby", "stages-help stages-form-error");
    return el("div", { className: "pair" }, el("label", { for: input.id }, label), input);
  }));
}

function drawPolicies(policies) {
  draw($("policies-list"), policies, () => {
    const objects = [...new Set(policies.map((it) => it.object))];
    return objects.map((object) => {
      const fields = policies.filter((it) => it.object === object);
      return el("fieldset", {}, el("legend", {}, fields[0].objectLabel), ...fields.map(policyLine));
    });
  });
}

function policyLine({ object, field, label, policy, default: usual }) {
  const options = Object.entries(POLICY_NAMES).map(([value, text]) =>
    el("option", { value, selected: value === policy, defaultSelected: value === policy }, value === usual ? `${text} (default)` : text));
  const name = `${object}.${field}`;
  const select = keyed(el("select", { id: `policy-${name}`, name }, ...options), name);
  return el("div", { className: "pair" }, el("label", { for: select.id }, label), select);
}

function drawAi({ aiSettings: chosen, aiUsage: usage, aiCalls: { calls } }) {
  draw($("ai-serving"), chosen.serving, () => servingLine(chosen.serving));
  drawSpending(usage, chosen.daily);
  for (const [name, on] of Object.entries({ ...chosen.automations, keepTexts: chosen.keepTexts })) {
    const input = document.querySelector(`#ai input[name="${name}"]`);
    if (input.getAttribute("aria-disabled") !== "true") input.checked = on;
  }
  $("ai-usd").defaultValue = (chosen.daily.usd ?? "").replace(/\.?0+$/, "");
  $("ai-tokens").defaultValue = String(chosen.daily.tokens ?? "");
  draw($("ai-call-list"), calls, () => (calls.length ? [callTable(calls)] : [el("p", { className: "muted" }, "No model was asked yet.")]));
}

function servingLine(serving) {
  if (!serving.length) return [el("span", { className: "mark warn" }, "No key is configured"), ". Scores are computed all the same and worded by us. Texts, drafts and summaries need a provider's key: give one to the deployment."];
  const [first, ...others] = serving.map((it) => `${PROVIDER_NAMES[it.provider] ?? it.provider}, ${it.model}`);
  const line = [el("span", { className: "mark good" }, first), "."];
  if (others.length) line.push(el("span", { className: "muted" }, ` If it does not answer: ${others.join("; ")}.`));
  return line;
}

/** The meter shows whichever of the two limits is nearer. */
function drawSpending({ spentToday: spent, total }, daily) {
  const limits = [[spent.usd, daily.usd], [spent.tokens, daily.tokens]].filter(([, limit]) => limit !== null);
  const share = Math.min(1, Math.max(0, ...limits.map(([used, limit]) => (Number(limit) === 0 ? 1 : Number(used) / Number(limit)))));
  $("ai-spent").textContent = daily.usd === null ? dollars.format(spent.usd) : `${dollars.format(spent.usd)} of ${dollars.format(daily.usd)}`;
  $("ai-meter").hidden = limits.length === 0;
  $("ai-meter").value = share;
  $("ai-meter").textContent = `${Math.round(share * 100)} %`;
  const tokens = daily.tokens === null ? count(spent.tokens, "token") : `${plain.format(spent.tokens)} of ${count(daily.tokens, "token")}`;
  const parts = [`${tokens}, ${count(total.calls, "call")}.`];
  if (total.unpricedCalls) parts.push(`${count(total.unpricedCalls, "call")} went to a model without a known price and counts in tokens only.`);
  if (share === 1) parts.push("Today's budget is spent: no model is asked before midnight UTC. Raise it below to go on.");
  $("ai-spent-help").textContent = parts.join(" ");
}

function callTable(calls) {
  const head = el("tr", {}, ...["Operation", "Model", "Tokens", "Cost", "Ended"].map((text) => el("th", { scope: "col" }, text)));
  const rows = calls.map((it) => el("tr", {},
    el("th", { scope: "row" }, OPERATION_NAMES[it.operation] ?? it.operation, el("small", {}, time(it.at))),
    el("td", {}, it.served ?? it.model),
    el("td", {}, plain.format(it.usage.total)),
    el("td", {}, it.costUsd === null ? "not known" : dollars.format(it.costUsd)),
    el("td", {}, ENDING_NAMES[it.ending] ?? it.ending, it.reason && el("small", { className: "mono" }, it.reason))));
  const table = el("table", {}, el("caption", {}, `${count(calls.length, "call")}, the newest first`), el("thead", {}, head), el("tbody", {}, ...rows));
  return keyed(el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Latest calls" }, table), "ai calls");
}

function drawTokens(tokens) {
  const live = tokens.filter((it) => it.revokedAt === null);
  draw($("token-list"), live, () => (live.length ? live.map(tokenItem) : [el("li", { className: "muted" }, "There is no token yet.")]));
}

function tokenItem(token) {
  const button = keyed(el("button", { type: "button", className: "danger" }, "Revoke"), `revoke ${token.id}`);
  button.setAttribute("aria-label", `Revoke the token ${token.name}`);
  button.addEventListener("click", () => busy(button, () => attempt(() => revoke(token))));
  const made = el("span", { className: "muted" }, "Made ", time(token.createdAt));
  return el("li", { className: "side" }, el("span", {}, el("strong", {}, token.name), " ", made), button);
}

async function revoke(token) {
  if (!(await confirmed(`Revoke the token ${token.name}?`, "Programs that use it are refused from this moment on.", "Revoke token"))) return;
  await ask(`mutation Revoke($id: ID!) { revokeApiToken(id: $id) { id } }`, { id: token.id });
  await refreshChoices();
  say(`The token ${token.name} was revoked.`);
}

/** What a form holds that differs from what was drawn. */
function edited(form, selector) {
  const isChanged = (it) => (it.tagName === "SELECT" ? !it.selectedOptions[0].defaultSelected : it.value.trim() !== it.defaultValue);
  return [...form.querySelectorAll(selector)].filter(isChanged);
}

async function saveSettings(change, button) {
  const nothing = Object.values(change).every((list) => list.length === 0);
  if (nothing) return say("Nothing was changed.");
  await ask(
    `mutation Save($stages: [StageInput!], $policies: [PolicyInput!]) {
      updateSettings(stages: $stages, policies: $policies) { stages { status } }
    }`, change);
  await refreshChoices();
  say("Saved. The next sync brings the records it concerns up to date.");
}

// --- What the user can do ------------------------------------------------------------------------------------

function wireConnecting() {
  onSubmit("twenty-form", async ({ url, key }, form) => {
    await post("/connect/twenty", { url, key });
    form.reset();
    await begin();
    ($("connect-whop").hidden ? $("status-title") : $("connect-whop-title")).focus();
  });
  onSubmit("new-key-form", async ({ key }, form) => {
    await post("/connect/twenty", { url: page.overview.workspace.server, key });
    form.reset();
    $("new-key").open = false;
    await changed();
    say("The Twenty API key was replaced.");
  });
  onSubmit("account-key-form", connectByKey);
  onSubmit("app-key-form", connectByKey);
}

async function connectByKey(values, form) {
  await post("/connect/whop", values);
  form.reset();
  await begin();
  say("Whop is connected.");
  $("status-title").focus();
}

function wireLive() {
  onSubmit("live-key-form", async ({ key, app }, form) => {
    await ask(`mutation Live($key: String!, $app: String) { makeLiveByKey(key: $key, app: $app) { live } }`, { key, app: app || null });
    await nowLive(form);
  });
  onSubmit("live-hand-form", async ({ secret }, form) => {
    await ask(`mutation LiveByHand($secret: String!) { makeLiveByHand(secret: $secret) { live } }`, { secret });
    await nowLive(form);
  });
  onPress("hand-url-make", async () => {
    const { webhookUrlForHand: url } = await ask("mutation Address { webhookUrlForHand }");
    $("hand-url").textContent = url;
    $("hand-url-copy").hidden = false;
  });
  onPress("hand-url-copy", () => copy($("hand-url").textContent, "The address"));
  onPress("rotate", async () => {
    await ask("mutation Rotate { rotateWebhook { live } }");
    await changed();
    say("The webhook has a new secret. The old one is still accepted for deliveries on their way.");
  });
}

async function nowLive(form) {
  form.reset();
  $("go-live").open = false;
  await changed();
  say("News from Whop now arrives within seconds.");
  $("status-title").focus();
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} was copied.`);
  } catch {
    say(`${what} could not be copied by the browser. Select it and copy it by hand.`);
  }
}

function wireSync() {
  const start = (kind) => async () => {
    await ask(`mutation Start($kind: SyncKind!) { triggerWhopSync(kind: $kind) { run { id } } }`, { kind });
    await changed();
    $("sync-title").focus();
  };
  onPress("sync-now", start("INCREMENTAL"));
  onPress("sync-full", start("FULL"));
  const steer = (verb, next) => async () => {
    await ask(STEER[verb], { id: page.openRun.id });
    await changed();
    $(next).focus();
  };
  onPress("run-pause", steer("pause", "run-resume"));
  onPress("run-resume", steer("resume", "run-pause"));
  onPress("run-cancel", async () => {
    const run = page.openRun;
    if (!(await confirmed("Cancel this sync?", "What it wrote to Twenty stays. A later sync starts from the beginning.", "Cancel sync"))) return;
    await ask(STEER.cancel, { id: run.id });
    await changed();
    $("sync-title").focus();
  });
}

function wireRecords() {
  onPress("retry-all", () => retry(null));
  onPress("failed-more", async () => {
    page.failedShown = Math.min(page.failedShown + PAGE_SIZE, MOST_AT_ONCE);
    await refreshLists();
  });
  onPress("cards-more", async () => {
    page.cardsShown = Math.min(page.cardsShown + PAGE_SIZE, MOST_AT_ONCE);
    await refreshLists();
  });
  onSubmit("member-form", async ({ who }, form) => {
    const whom = who.includes("@") ? { email: who } : { id: who };
    const { refreshMember: { memberId } } = await ask(
      `mutation Member($id: ID, $email: String) { refreshMember(id: $id, email: $email) { memberId } }`, whom);
    form.reset();
    say(`${memberId} is being synced. It is up to date in Twenty in a moment.`);
  });
}

function wireSettings() {
  onSubmit("stages-form", (_, form) => saveSettings({
    stages: edited(form, "input").map((it) => ({ status: it.name, stage: it.value.trim() })),
  }));
  onSubmit("policies-form", (_, form) => saveSettings({
    policies: edited(form, "select").map((it) => {
      const [object, field] = it.name.split(".");
      return { object, field, policy: it.value };
    }),
  }));
  onSubmit("token-form", async ({ name }, form) => {
    const { createApiToken: { token } } = await ask(
      `mutation Token($name: String!) { createApiToken(name: $name) { token } }`, { name });
    form.reset();
    await refreshChoices();
    $("new-token-text").textContent = token;
    $("new-token").hidden = false;
    $("new-token-title").focus();
  });
  onPress("new-token-copy", () => copy($("new-token-text").textContent, "The token"));
  for (const id of ["stages", "policies", "tokens"]) {
    $(id).addEventListener("toggle", () => $(id).open && attempt(refreshChoices));
  }
  $("tokens").addEventListener("toggle", forgetToken);
}

function wireAi() {
  for (const input of document.querySelectorAll("#ai input[role=switch]")) {
    input.addEventListener("click", (event) => input.getAttribute("aria-disabled") === "true" && event.preventDefault());
    input.addEventListener("change", () => busy(input, () => attempt(() => flip(input))));
  }
  onSubmit("ai-form", async ({ usd, tokens }, form) => {
    await ask(SAVE_AI, { input: { dailyUsd: usd || null, dailyTokens: tokens === "" ? null : Number(tokens) } });
    await refreshAi();
    form.reset();
    say("The daily budget was saved.");
  });
}

/** A switch that could not be saved goes back. */
async function flip(input) {
  const { name, checked } = input;
  try {
    await ask(SAVE_AI, { input: name === "keepTexts" ? { keepTexts: checked } : { automations: { [name]: checked } } });
  } catch (error) {
    input.checked = !checked;
    throw error;
  }
  const what = input.labels[0].textContent.trim();
  say(`${checked ? "On" : "Off"}: ${what}.`);
}

const contracts = contractsPart({ $, el, time, draw, keyed, ask, say, attempt, busy, onSubmit, confirmed, copy });

function forgetToken() {
  if ($("tokens").open) return;
  $("new-token").hidden = true;
  $("new-token-text").textContent = "";
}

function wireLeaving() {
  onPress("disconnect", async () => {
    const text = "Syncing stops at once and a running sync is cancelled. People, opportunities and payments stay in Twenty. You can connect again at any time.";
    if (!(await confirmed("Disconnect Whop?", text, "Disconnect Whop"))) return;
    await ask("mutation Disconnect { disconnectWhop { isConnected } }");
    page.openRun = null;
    await changed();
    say("Whop was disconnected.");
    $("connect-whop-title").focus();
  });
  onPress("sign-out", async () => {
    await post("/sign-out", {});
    forgetToken();
    showSignedOut();
    $("sign-in-title").focus();
  });
}

// --- Coming back from Whop -----------------------------------------------------------------------------------

/** Reads what Whop's consent page left in the address, then clears it, so that a reload does not say it twice. */
function readReturn() {
  const answer = new URLSearchParams(location.search);
  if (location.search) history.replaceState(null, "", location.pathname);
  if (answer.get("connected") === "whop") return () => say("Whop is connected.");
  const error = answer.get("error");
  if (error === "choose") return () => offerAccounts(answer.get("accounts") ?? "");
  if (error) return () => complain(new Refusal({ message: OAUTH_ERRORS[error] ?? OAUTH_ERRORS.failed }));
  return () => {};
}

function offerAccounts(list) {
  const accounts = list.split(",").filter((it) => /^biz_[A-Za-z0-9]+$/.test(it));
  if (!accounts.length) return complain(new Refusal({ message: OAUTH_ERRORS.failed }));
  const link = (account) => el("a", { href: `/connect/whop/oauth?account=${account}` }, `Use ${account}`);
  $("choose-account-list").replaceChildren(...accounts.map((account) => el("li", {}, link(account))));
  $("choose-account").hidden = false;
  $("choose-account-title").focus();
}

// --- Beginning -----------------------------------------------------------------------------------------------

async function begin() {
  await refresh({ lists: true });
  schedule();
}

async function start() {
  const tell = readReturn();
  $("api-address").textContent = `${location.origin}/graphql`;
  for (const wire of [wireConnecting, wireLive, wireSync, wireRecords, wireSettings, wireAi, contracts.wire, wireLeaving]) wire();
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(page.timer) : page.overview && poll()));
  try {
    await begin();
  } catch (error) {
    if (error.code !== "UNAUTHENTICATED") {
      complain(error);
      $("loading").textContent = "Load the page again in a moment.";
      return;
    }
    showSignedOut();
  }
  tell();
}

start();
