// The part of the settings page about contracts: accounts at e-signature providers, what is sent by itself, and how
// the latest contracts stand. It gets its tools from the page, and adds no other way to talk to the server.

const SHOWN = 10;

const CONTRACTS = `query Contracts($first: Int!) {
  esignAccounts { provider environment since trouble webhookUrl webhookKeys integrationKey userId accountId clientId nextSteps }
  contractSettings {
    version provider
    rules {
      name enabled since trigger { membershipOfProduct opportunityStage } templateId provider role
      otherSigners { role name email order } subject message aiMessage expiresInDays
      reminders { firstAfterDays thenEveryDays }
    }
  }
  contracts(first: $first) {
    contracts { id title provider state isOver detail reason requestedAt signers { state } signedFile { bytes } }
  }
}`;

const SAVE_ACCOUNT = `mutation SaveAccount($input: EsignAccountInput!) {
  saveEsignAccount(input: $input) { provider trouble nextSteps }
}`;
const REMOVE_ACCOUNT = `mutation RemoveAccount($provider: EsignProvider!, $force: Boolean!) {
  removeEsignAccount(provider: $provider, force: $force) { provider }
}`;
const SAVE_SETTINGS = `mutation SaveContracts($input: ContractSettingsInput!) { updateContractSettings(input: $input) { version } }`;
const TEMPLATES = `query Templates($provider: EsignProvider) { contractTemplates(provider: $provider) { templates { id name } next } }`;
const TEMPLATE = `query Template($id: ID!, $provider: EsignProvider) { contractTemplate(id: $id, provider: $provider) { roles { name } } }`;
const FILE = `query File($id: ID!) { contractDocument(id: $id) { link } }`;

const PROVIDERS = { DOCUSIGN: "DocuSign", DROPBOX_SIGN: "Dropbox Sign", PANDADOC: "PandaDoc" };
const ENVIRONMENTS = { SANDBOX: "sandbox", PRODUCTION: "production" };
const STATES = {
  DRAFT: "Being prepared", SENT: "Sent", VIEWED: "Viewed", PARTIALLY_SIGNED: "Partly signed", COMPLETED: "Signed",
  DECLINED: "Declined", VOIDED: "Cancelled", EXPIRED: "Expired", ERROR: "Stuck",
};
const TONES = { COMPLETED: "good", DECLINED: "bad", VOIDED: "warn", EXPIRED: "warn", ERROR: "bad" };

/** The part, made of the page's tools: `refresh` reads and draws it, `wire` makes its forms work. */
export function contractsPart({ $, el, time, draw, keyed, ask, say, attempt, busy, onSubmit, confirmed, copy }) {
  let shown = { accounts: [], settings: { version: 0, provider: null, rules: [] }, contracts: [] };
  let edited = null;

  /** What goes wrong here is told here, so that the rest of the page stays of use. */
  async function refresh() {
    try {
      const answer = await ask(CONTRACTS, { first: SHOWN });
      shown = { accounts: answer.esignAccounts, settings: answer.contractSettings, contracts: answer.contracts.contracts };
      drawAll();
      $("contracts-error").textContent = "";
    } catch (error) {
      if (error.code === "UNAUTHENTICATED") throw error;
      $("contracts-error").textContent = `This part cannot be shown. ${error.message}`;
    }
  }

  // --- Drawing ---

  function drawAll() {
    const { accounts, settings, contracts } = shown;
    $("contracts-lead").hidden = accounts.length > 0;
    $("contract-provider-form").hidden = accounts.length === 0;
    drawProviders(accounts, settings.provider);
    draw($("esign-accounts"), accounts, () => accounts.map(accountItem));
    draw($("contract-rules"), settings.rules, () =>
      (settings.rules.length ? settings.rules.map(ruleItem) : [el("li", { className: "muted" }, "Nothing is sent by itself.")]));
    draw($("contract-list"), contracts, () =>
      (contracts.length ? [contractTable(contracts)] : [el("p", { className: "muted" }, "No contract was sent yet.")]));
  }

  function drawProviders(accounts, chosen) {
    const select = $("contract-provider");
    const known = accounts.map((it) => it.provider);
    draw(select, [known, chosen], () => {
      const none = el("option", { value: "", selected: chosen === null }, "Nobody");
      return [...known.map((it) => el("option", { value: it, selected: it === chosen }, PROVIDERS[it] ?? it)), none];
    });
  }

  function accountItem(account) {
    const name = PROVIDERS[account.provider] ?? account.provider;
    const tone = account.trouble ? "bad" : account.webhookKeys ? "good" : "warn";
    const text = account.trouble ? "Needs you" : account.webhookKeys ? "Ready" : "Hears nothing yet";
    const head = el("p", { className: "side" },
      el("strong", {}, `${name}, ${ENVIRONMENTS[account.environment] ?? account.environment}`),
      el("span", { className: `mark ${tone}` }, text));
    const since = el("p", { className: "muted" }, "Here since ", time(account.since), `. Webhook keys: ${account.webhookKeys}.`);
    const steps = el("ul", { className: "help" }, ...account.nextSteps.map((step) => el("li", {}, step)));
    const trouble = account.trouble ? el("p", { className: "notice bad" }, account.trouble) : null;
    const address = el("output", {}, account.webhookUrl);
    address.setAttribute("aria-label", `Webhook address for ${name}`);
    const buttons = el("div", { className: "row" },
      press("Copy address", `copy ${account.provider}`, `Copy the webhook address for ${name}`, () => copy(account.webhookUrl, "The address")),
      press("Change", `change ${account.provider}`, `Change the account of ${name}`, () => offerChange(account)),
      press("Remove", `remove ${account.provider}`, `Remove the account of ${name}`, () => removeAccount(account), "danger"));
    return el("li", { className: "item" }, head, trouble, since, el("p", { className: "copyable" }, address), steps, buttons);
  }

  function press(text, key, label, work, tone = "quiet") {
    const button = keyed(el("button", { type: "button", className: tone }, text), key);
    button.setAttribute("aria-label", label);
    button.addEventListener("click", () => busy(button, () => attempt(work)));
    return button;
  }

  function ruleItem(rule) {
    const input = keyed(el("input", { type: "checkbox", checked: rule.enabled, role: "switch" }), `switch ${rule.name}`);
    input.addEventListener("click", (event) => input.getAttribute("aria-disabled") === "true" && event.preventDefault());
    input.addEventListener("change", () => busy(input, () => attempt(() => flipRule(rule, input))));
    const { membershipOfProduct: product, opportunityStage: stage } = rule.trigger;
    const when = product ? `a membership of ${product} becomes active` : `an opportunity reaches ${stage}`;
    const who = PROVIDERS[rule.provider ?? shown.settings.provider] ?? "nobody";
    const text = `When ${when}, send the template ${rule.templateId} to its person as ${rule.role}, by ${who}.`;
    const since = rule.since ? el("p", { className: "muted" }, "On since ", time(rule.since), ".") : null;
    const buttons = el("div", { className: "row" },
      press("Edit", `edit ${rule.name}`, `Edit the rule ${rule.name}`, () => editRule(rule)),
      press("Remove", `remove rule ${rule.name}`, `Remove the rule ${rule.name}`, () => removeRule(rule), "danger"));
    return el("li", { className: "item" }, el("label", { className: "switch" }, input, el("span", {}, rule.name)), el("p", {}, text), since, buttons);
  }

  function contractTable(contracts) {
    const head = el("tr", {}, ...["Contract", "State", "Signed", "By"].map((text) => el("th", { scope: "col" }, text)));
    const table = el("table", {}, el("caption", {}, "The newest first"), el("thead", {}, head), el("tbody", {}, ...contracts.map(contractRow)));
    return keyed(el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Latest contracts" }, table), "contracts");
  }

  function contractRow(it) {
    const signed = it.signers.filter((signer) => signer.state === "SIGNED").length;
    const state = el("span", { className: `mark ${TONES[it.state] ?? ""}` }, STATES[it.state] ?? it.state);
    const why = it.reason ?? it.detail;
    const file = it.signedFile ? press("Signed file", `file ${it.id}`, `Get the signed file of ${it.title}`, () => openFile(it)) : null;
    return el("tr", {},
      el("th", { scope: "row" }, el("span", { className: "wrap" }, it.title), el("small", {}, time(it.requestedAt))),
      el("td", {}, state, why && el("small", {}, why), file),
      el("td", {}, `${signed} of ${it.signers.length}`),
      el("td", {}, PROVIDERS[it.provider] ?? it.provider));
  }

  async function openFile(it) {
    const { contractDocument: { link } } = await ask(FILE, { id: it.id });
    location.assign(link);
  }

  // --- Accounts ---

  /** Only the fields of one provider can be reached; those of the others are not sent. */
  function showProvider(provider) {
    for (const set of $("esign-form").querySelectorAll("fieldset")) {
      set.hidden = set.dataset.provider !== provider;
      set.disabled = set.hidden;
    }
    const there = shown.accounts.some((it) => it.provider === provider);
    $("esign-old-keys").hidden = !there;
    $("esign-keep").hidden = !there;
  }

  function offerChange(account) {
    const form = $("esign-form");
    form.reset();
    form.elements.provider.value = account.provider;
    form.elements.environment.value = account.environment;
    const ids = { integrationKey: account.integrationKey, userId: account.userId, accountId: account.accountId, clientId: account.clientId };
    for (const [name, value] of Object.entries(ids)) form.elements[name].value = value ?? "";
    showProvider(account.provider);
    $("esign-account").open = true;
    form.elements.environment.focus();
  }

  function accountInput({ provider, environment, ...it }) {
    const dropOldKeys = it.dropOldKeys === "on";
    const given = (text) => text || null;
    if (provider === "DOCUSIGN") {
      const hmacKeys = (it.hmacKeys ?? "").split(/\s+/).filter(Boolean);
      return { dropOldKeys, docusign: { environment, integrationKey: given(it.integrationKey), userId: given(it.userId), accountId: given(it.accountId), privateKey: given(it.privateKey), hmacKeys } };
    }
    if (provider === "DROPBOX_SIGN") return { dropOldKeys, dropboxSign: { environment, apiKey: given(it.dropboxKey), clientId: given(it.clientId) } };
    return { dropOldKeys, pandadoc: { environment, apiKey: given(it.pandadocKey), webhookKey: given(it.webhookKey) } };
  }

  async function saveAccount(values, form) {
    const { saveEsignAccount: saved } = await ask(SAVE_ACCOUNT, { input: accountInput(values) });
    form.reset();
    showProvider(form.elements.provider.value);
    $("esign-account").open = false;
    await refresh();
    const name = PROVIDERS[saved.provider] ?? saved.provider;
    say(saved.trouble ? `${name} was saved, but needs one more step: see below.` : `${name} was saved. See below what is left to do there.`);
    $("contracts-title").focus();
  }

  async function removeAccount({ provider }) {
    const name = PROVIDERS[provider] ?? provider;
    if (!(await confirmed(`Remove the account of ${name}?`, "Its keys are deleted here. New contracts go to another account, if there is one.", "Remove account"))) return;
    try {
      await ask(REMOVE_ACCOUNT, { provider, force: false });
    } catch (error) {
      if (error.code !== "CONFLICT") throw error;
      const text = `${error.message} If you remove it all the same, they can no longer be followed from here.`;
      if (!(await confirmed("Contracts still need it", text, "Remove all the same"))) return;
      await ask(REMOVE_ACCOUNT, { provider, force: true });
    }
    await refresh();
    say(`The account of ${name} was removed.`);
    $("contracts-title").focus();
  }

  // --- Rules ---

  const ruleInput = ({ since, ...rule }) => rule;

  async function saveRules(rules) {
    await ask(SAVE_SETTINGS, { input: { version: shown.settings.version, rules: rules.map(ruleInput) } });
    await refresh();
  }

  /** A switch that could not be saved goes back. */
  async function flipRule(rule, input) {
    const enabled = input.checked;
    try {
      await saveRules(shown.settings.rules.map((it) => (it.name === rule.name ? { ...it, enabled } : it)));
    } catch (error) {
      input.checked = !enabled;
      throw error;
    }
    say(`${enabled ? "On" : "Off"}: ${rule.name}.`);
  }

  async function removeRule(rule) {
    if (!(await confirmed(`Remove the rule ${rule.name}?`, "Contracts that it sent stay as they are.", "Remove rule"))) return;
    await saveRules(shown.settings.rules.filter((it) => it.name !== rule.name));
    say(`The rule ${rule.name} was removed.`);
    $("contracts-title").focus();
  }

  function editRule(rule) {
    edited = rule;
    const form = $("rule-form");
    const other = rule.otherSigners[0];
    const values = {
      name: rule.name, when: rule.trigger.membershipOfProduct ? "product" : "stage",
      what: rule.trigger.membershipOfProduct ?? rule.trigger.opportunityStage, provider: rule.provider ?? "",
      template: rule.templateId, role: rule.role, subject: rule.subject, message: rule.message ?? "",
      expires: rule.expiresInDays ?? "", remindAfter: rule.reminders?.firstAfterDays ?? "", remindEvery: rule.reminders?.thenEveryDays ?? "",
      otherRole: other?.role ?? "", otherName: other?.name ?? "", otherEmail: other?.email ?? "",
    };
    for (const [name, value] of Object.entries(values)) form.elements[name].value = value;
    form.elements.aiMessage.checked = rule.aiMessage;
    $("rule-save").textContent = "Save rule";
    $("rule-new").open = true;
    form.elements.name.focus();
  }

  function ruleOf(it) {
    const number = (text) => (text === "" ? null : Number(text));
    const others = edited?.otherSigners.slice(1) ?? [];
    const order = edited?.otherSigners[0]?.order ?? 2;
    const other = it.otherRole || it.otherName || it.otherEmail ? [{ role: it.otherRole, name: it.otherName, email: it.otherEmail, order }] : [];
    const first = number(it.remindAfter);
    return {
      name: it.name, enabled: edited?.enabled ?? false,
      trigger: it.when === "product" ? { membershipOfProduct: it.what } : { opportunityStage: it.what },
      templateId: it.template, provider: it.provider || null, role: it.role, otherSigners: [...other, ...others],
      subject: it.subject, message: it.message || null, aiMessage: it.aiMessage === "on", expiresInDays: number(it.expires),
      reminders: first === null ? null : { firstAfterDays: first, thenEveryDays: number(it.remindEvery) },
    };
  }

  async function saveRule(values, form) {
    const rule = ruleOf(values);
    const rules = shown.settings.rules;
    const at = edited === null ? -1 : rules.findIndex((it) => it.name === edited.name);
    await saveRules(at === -1 ? [...rules, rule] : rules.map((it, index) => (index === at ? rule : it)));
    forgetEdit(form);
    $("rule-new").open = false;
    say(rule.enabled ? `The rule ${rule.name} was saved.` : `The rule ${rule.name} was saved. It is off: switch it on when it is right.`);
    $("contracts-title").focus();
  }

  function forgetEdit(form) {
    edited = null;
    form.reset();
    $("rule-save").textContent = "Add rule";
  }

  /** Suggestions only: whoever knows an id can type it, whatever the provider answers. */
  async function suggestTemplates() {
    const provider = $("rule-form").elements.provider.value || null;
    try {
      const { contractTemplates: { templates } } = await ask(TEMPLATES, { provider });
      $("template-ids").replaceChildren(...templates.map((it) => el("option", { value: it.id }, it.name)));
      $("rule-template-help").textContent = templates.length ? "Choose one from the list, or paste its id." : "The provider lists no template. Make one there first.";
    } catch (error) {
      if (error.code === "UNAUTHENTICATED") throw error;
      $("rule-template-help").textContent = `The templates cannot be listed. ${error.message}`;
    }
  }

  async function suggestRoles() {
    const { template, provider } = $("rule-form").elements;
    if (!template.value.trim()) return;
    try {
      const { contractTemplate: { roles } } = await ask(TEMPLATE, { id: template.value.trim(), provider: provider.value || null });
      $("role-names").replaceChildren(...(roles ?? []).map((it) => el("option", { value: it.name })));
      $("rule-role-help").textContent = roles?.length ? `Roles of the template: ${roles.map((it) => it.name).join(", ")}.` : "As the template spells it.";
    } catch (error) {
      if (error.code === "UNAUTHENTICATED") throw error;
      $("rule-role-help").textContent = `The template's roles cannot be read. ${error.message}`;
    }
  }

  // --- Wiring ---

  function wire() {
    const form = $("esign-form");
    form.elements.provider.addEventListener("change", () => showProvider(form.elements.provider.value));
    showProvider(form.elements.provider.value);
    $("esign-account").addEventListener("toggle", () => {
      if ($("esign-account").open) return showProvider(form.elements.provider.value);
      form.reset(); // No key stays in a form that is closed.
    });
    onSubmit("esign-form", saveAccount);
    onSubmit("contract-provider-form", async ({ provider }) => {
      await ask(SAVE_SETTINGS, { input: { version: shown.settings.version, provider: provider || null } });
      await refresh();
      say(provider ? `New contracts are sent by ${PROVIDERS[provider]}.` : "Nobody is chosen to send new contracts.");
    });
    onSubmit("rule-form", saveRule);
    const rule = $("rule-form");
    $("rule-new").addEventListener("toggle", () => ($("rule-new").open ? attempt(suggestTemplates) : forgetEdit(rule)));
    rule.elements.provider.addEventListener("change", () => attempt(suggestTemplates));
    rule.elements.template.addEventListener("change", () => attempt(suggestRoles));
  }

  return { refresh, wire };
}
