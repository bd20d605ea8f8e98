// A dialog in which somebody makes one change: enters it, sees what it would do, confirms it once, and reads how it ended.
// A double click, a lost answer or a reload repeats the same request with the same Idempotency-Key.

import { button, h } from "./dom.js";
import { errorBox } from "./errors.js";
import { fieldRow, valuesOf } from "./fields.js";
import { t } from "./i18n.js";
import { intentOf, isPending, sent, settled } from "./intents.js";

const DOUBLE_CLICK_MS = 500; // its second click must not confirm what nobody has read yet

/**
 * A button that opens the dialog of an action:
 *   id          one intent at a time has this id
 *   title       of the button and of the dialog
 *   fields      see fieldRow
 *   values      what is sent besides, as it was when the dialog opened
 *   preview     async (values) => { content, confirm, values }: what it would do; without one it is sent at once
 *   confirm     the label of the button that does it
 *   isDangerous whether it takes something away
 *   send        async (values, key) => the API's answer; without one nothing can be changed, only seen
 *   outcome     (answer, values) => how it ended, in words
 *   done        called when the dialog is closed after it ended
 */
export function actionButton(action) {
  // The page was left before the outcome was seen: go on where it was left.
  if (isPending(action.id)) queueMicrotask(() => open(action));
  return button(action.title, () => open(action), { class: action.isDangerous ? "button danger" : "button", dataset: { [action.send ? "action" : "view"]: action.id.split(":")[0] } });
}

function open(action) {
  if (document.querySelector("dialog[open]")) return;
  const body = h("div", { class: "dialog-body" });
  const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, h("h2", { id: "dialog-title" }, action.title), body);
  const state = { action, dialog, body, intent: intentOf(action.id), isBusy: false, hasEnded: false };
  dialog.addEventListener("cancel", (event) => state.isBusy && event.preventDefault());
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (state.hasEnded) action.done();
  });
  document.body.append(dialog);
  if (state.intent.isSent) showLost(state);
  else showForm(state);
  dialog.showModal();
}

function showForm(state, problem = null) {
  const { action, intent, body } = state;
  const form = h(
    "form",
    { onsubmit: (event) => submitted(event, form, state) },
    action.fields.map((field) => fieldRow(field, intent.values)),
    problem ? errorBox(problem) : null,
    buttons(state, h("button", { type: "submit", class: confirmClass(action) }, action.preview ? t("showConsequences") : action.confirm)),
  );
  body.replaceChildren(form);
}

async function submitted(event, form, state) {
  event.preventDefault();
  if (state.isBusy) return;
  state.intent = { ...state.intent, values: { ...state.action.values, ...valuesOf(form) } };
  if (!state.action.preview) {
    await send(state);
    return;
  }
  await busy(state, async () => showPreview(state, await state.action.preview(state.intent.values)));
}

/** The second step: nothing has been done so far. */
function showPreview(state, { content, confirm, values }) {
  state.intent = { ...state.intent, values: { ...state.intent.values, ...values } };
  const main = state.action.send ? h("button", { type: "submit", class: confirmClass(state.action), disabled: true }, confirm) : null;
  const form = h(
    "form",
    {
      onsubmit: (event) => {
        event.preventDefault();
        state.intent = { ...state.intent, values: { ...state.intent.values, ...valuesOf(form) } };
        send(state);
      },
    },
    h("div", { tabindex: -1, class: "consequences" }, content),
    buttons(state, main),
  );
  state.body.replaceChildren(form);
  form.querySelector(".consequences").focus();
  if (main) setTimeout(() => (main.disabled = false), DOUBLE_CLICK_MS);
}

async function send(state) {
  if (state.isBusy) return;
  const { action } = state;
  state.intent = sent(state.intent, state.intent.values);
  await busy(state, async () => {
    const answer = await action.send(state.intent.values, state.intent.key);
    settled(state.intent);
    state.hasEnded = true;
    showEnd(state, action.outcome(answer, state.intent.values));
  });
}

/** Do something with the buttons off; an error leads back to the form, or to another try of the same request. */
async function busy(state, work) {
  state.isBusy = true;
  const controls = [...state.body.querySelectorAll("button, input, select")];
  for (const one of controls) one.disabled = true;
  const progress = h("p", { class: "muted", role: "status" }, t("working"));
  state.body.append(progress);
  try {
    await work();
  } catch (error) {
    failed(state, error);
  }
  progress.remove();
  state.isBusy = false;
}

function failed(state, error) {
  if (state.intent.isSent && error.isAmbiguous) {
    showLost(state, error);
    return;
  }
  const { values } = state.intent;
  settled(state.intent); // refused: nothing was done, and the next try is another request
  state.intent = { ...intentOf(state.action.id), values };
  showForm(state, error);
}

/** Nobody has seen the outcome. The same request with the same key does it once, or tells what it did. */
function showLost(state, error = null) {
  const { action, intent } = state;
  const entered = action.fields.map((field) => [field.label, intent.values[field.name]]).filter(([, value]) => value);
  state.body.replaceChildren(
    h("p", { class: "notice", role: "alert" }, t("outcomeUnknown")),
    h("dl", { class: "facts" }, entered.map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", {}, value)))),
    ...(error ? [errorBox(error)] : []),
    buttons(state, button(t("tryAgainSafely"), () => send(state), { class: confirmClass(action) })),
  );
}

function showEnd(state, words) {
  const close = button(t("close"), () => state.dialog.close(), { class: "button primary" });
  state.body.replaceChildren(h("p", { class: "notice done", role: "status" }, words), h("div", { class: "actions" }, close));
  close.focus();
}

const buttons = (state, main) => h("div", { class: "actions" }, main, button(t(main ? "cancel" : "close"), () => state.isBusy || state.dialog.close()));
const confirmClass = ({ isDangerous }) => (isDangerous ? "button primary danger" : "button primary");
