//! Contracts at the door: what a workflow and the API may ask for, what is refused before anybody is called, and that
//! a workspace sees its own and nothing else. Every answer for programs is judged by the description we serve.

use jsonschema::Validator;
use serde_json::{Value, json};
use sim::esign::Template;
use stack::gateway::answer;
use stack::{Answer, Ask, CONTRACT, Stack, Visitor, pump};

/// A signed PDF in small; what is asked is only how it begins.
const PDF_BASE64: &str = "JVBERi0xLjcKJSVFT0YK";

/// A workspace with a token, in front of the door.
struct Office<'a> {
    stack: &'a Stack,
    admin: Visitor<'a>,
    token: String,
    description: Value,
}

impl<'a> Office<'a> {
    async fn open(stack: &'a Stack, name: &str) -> Self {
        let workspace = stack.twenty.create_workspace(name);
        let mut admin = stack.visitor();
        let signed_in = admin.connect_twenty(&stack.twenty.url(), &workspace.api_key).await;
        assert_eq!(signed_in.status, 200, "{}", signed_in.json());
        let made =
            admin.graphql("mutation { createApiToken(name: \"workflow\") { token } }", json!({})).await;
        let token = made["createApiToken"]["token"].as_str().unwrap().to_owned();
        let described = answer(stack.app, &Ask::new("GET", "/contracts/openapi.json")).await;
        assert_eq!(described.status, 200);
        Self { stack, admin, token, description: described.json() }
    }

    /// The same with an account at Dropbox Sign, and a template of two roles there.
    async fn equipped(stack: &'a Stack, name: &str) -> (Self, String) {
        let mut office = Self::open(stack, name).await;
        let saved = office.save(&json!({ "dropboxSign": dropbox(stack) })).await;
        assert_eq!(saved["errors"], Value::Null, "{saved}");
        let template = stack.esign.dropbox_sign().template(Template::new("NDA", &["Client", "Seller"], &[]));
        (office, template)
    }

    async fn save(&mut self, input: &Value) -> Value {
        let query = "mutation($input: EsignAccountInput!) { saveEsignAccount(input: $input) {
            provider environment trouble webhookUrl webhookKeys nextSteps } }";
        let query = query.split_whitespace().collect::<Vec<_>>().join(" ");
        Box::pin(self.admin.ask_graphql(&query, json!({ "input": input }))).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Ask::new("GET", path)).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Ask::new("POST", path).json(body)).await
    }

    /// A request with the token; its answer is judged by the description.
    async fn send(&self, ask: Ask) -> Answer {
        let ask = ask.header("authorization", &format!("Bearer {}", self.token));
        let answer = Box::pin(answer(self.stack.app, &ask)).await;
        judge(&self.description, &ask, &answer);
        answer
    }
}

fn dropbox(stack: &Stack) -> Value {
    json!({ "environment": "SANDBOX", "apiKey": stack.esign.dropbox_sign().credentials().api_key })
}

/// Stops if the description does not know this answer, or another shape of it.
fn judge(description: &Value, ask: &Ask, answer: &Answer) {
    let parts: Vec<&str> = ask.path.split('/').collect();
    let path = match parts.as_slice() {
        ["", "contracts", _] => "/contracts/{id}".to_owned(),
        ["", "contracts", _, verb] => format!("/contracts/{{id}}/{verb}"),
        _ => ask.path.clone(),
    };
    let operation = &description["paths"][&path][ask.method.to_lowercase()];
    let response = &operation["responses"][answer.status.to_string()];
    let schema = &response["content"]["application/json"]["schema"];
    let body = answer.json();
    assert!(schema.is_object(), "{} {path} {} is not described: {body}", ask.method, answer.status);
    let faults: Vec<String> =
        validator(description, schema).iter_errors(&body).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new(), "{path}: {body}");
}

fn validator(description: &Value, schema: &Value) -> Validator {
    let root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [schema],
        "components": description["components"],
    });
    jsonschema::validator_for(&root).expect("a description that can be judged by")
}

/// The smallest good body.
fn wish(template: &str) -> Value {
    json!({
        "title": "NDA", "templateId": template,
        "signerName": "Ada", "signerEmail": "ada@client.example", "signerRole": "Client",
        "signer2Name": "Bo", "signer2Email": "bo@provider.example", "signer2Role": "Seller",
    })
}

fn with(mut body: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_workflow_requests_a_contract_follows_it_and_cancels_it() {
    let stack = Stack::start().await;
    let (office, template) = Office::equipped(&stack, "Harbor Lights").await;
    let body = with(
        wish(&template),
        &json!({ "meta_deal": "D-7", "idempotencyKey": "deal-7", "expiresInDays": "30" }),
    );
    let schema = &office.description["paths"]["/contracts"]["post"]["requestBody"]["content"]["application/json"]
        ["schema"];
    assert!(validator(&office.description, schema).is_valid(&body));

    let requested = office.post("/contracts", &body).await;
    let again = office.post("/contracts", &body).await;
    let other = office.post("/contracts", &with(body.clone(), &json!({ "title": "Another" }))).await;
    Box::pin(pump::drain(&stack)).await;

    assert_eq!((requested.status, again.status, other.status), (202, 202, 409));
    let told = requested.json();
    assert_eq!((&told["state"], &told["meta_deal"]), (&json!("draft"), &json!("D-7")));
    assert_eq!(told["contractId"], again.json()["contractId"]);
    assert_eq!(stack.esign.dropbox_sign().contracts().len(), 1);
    let at = requested.header("location").unwrap().to_owned();
    let now = office.get(&at).await.json();
    assert!(now["providerRequestId"].is_string(), "{now}");
    assert_eq!(now["signer2Email"], "bo@provider.example");
    let early = office.get(&format!("{at}/document")).await;
    assert_eq!(early.status, 409, "{}", early.json());
    let silent = office.post(&format!("{at}/cancel"), &json!({ "reason": "" })).await;
    assert_eq!(silent.status, 400, "{}", silent.json());
    let cancelled = office.post(&format!("{at}/cancel"), &json!({ "reason": "A mistake." })).await;
    assert_eq!((cancelled.status, cancelled.json()["cancelReason"].clone()), (202, json!("A mistake.")));
}

/// What is wrong with a body, and what its caller is told.
fn mistakes() -> Vec<(Value, &'static str)> {
    let file = |bytes: u64| {
        json!({ "templateId": "", "documentName": "nda.pdf", "documentBytes": bytes, "documentSha256": "ab".repeat(32),
                "signerRole": "", "signer2Role": "" })
    };
    vec![
        (json!({ "signerEmail": "ada at client" }), "The e-mail address of signer 1 is not valid."),
        (json!({ "signer2Email": "ADA@client.example" }), "Signer 2 has the e-mail address of another one."),
        (json!({ "signer2Role": "Client" }), "Signer 2 has the role of another one."),
        (json!({ "signer2Role": "" }), "Signer 2 needs a role of the template"),
        (json!({ "signerOrder": 1, "signer2Order": 3 }), "must begin with 1 and have no gaps."),
        (json!({ "signerOrder": 1 }), "Give every signer an order, or none."),
        (json!({ "expiresInDays": 0 }), "A contract expires after 1 to 90 days."),
        (json!({ "expiresInDays": 91 }), "A contract expires after 1 to 90 days."),
        (json!({ "expiresInDays": 5, "remindAfterDays": 5 }), "must come before the contract expires."),
        (json!({ "title": "" }), "The title must have 1 to 255 characters."),
        (json!({ "meta_contract_id": "1" }), "The metadata name contract_id is taken."),
        (file(26 * 1024 * 1024), "25 MB at most."),
        (file(10), "The file was not uploaded yet"),
        (
            json!({ "templateId": "", "documentName": "nda.pdf", "documentBase64": "aGVsbG8=" }),
            "The file is not a PDF.",
        ),
        (json!({ "templateId": "" }), "Give templateId, or documentName"),
        (json!({ "telephone": "1" }), "unknown field `telephone`"),
        (json!({ "provider": "pandadoc" }), "There is no account of PandaDoc."),
    ]
}

#[tokio::test]
async fn what_nobody_can_send_is_refused_in_words_before_the_provider_is_called() {
    let stack = Stack::start().await;
    let (office, template) = Office::equipped(&stack, "Harbor Lights").await;
    stack.faults.forget_calls();

    for (more, expected) in mistakes() {
        let refused = office.post("/contracts", &with(wish(&template), &more)).await;

        let message = refused.json()["message"].clone();
        assert!(message.as_str().unwrap().contains(expected), "{more}: {message}");
    }
    for service in ["docusign", "dropbox_sign", "pandadoc"] {
        assert_eq!(stack.faults.count_of(service), 0, "{service} was called");
    }
}

#[tokio::test]
async fn an_unknown_template_or_role_is_found_out_before_anything_is_kept() {
    let stack = Stack::start().await;
    let (mut office, template) = Office::equipped(&stack, "Harbor Lights").await;
    let lost = "0123456789abcdef0123456789abcdef01234567";

    let unknown = office.post("/contracts", &wish(lost)).await;
    let role = office.post("/contracts", &with(wish(&template), &json!({ "signer2Role": "Buyer" }))).await;

    assert_eq!((unknown.status, role.status), (400, 400));
    assert!(unknown.json()["message"].as_str().unwrap().contains("The provider has no such template."));
    let message = role.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("no role for signer 2") && message.contains("role Seller"), "{message}");
    let kept = office.admin.graphql("{ contracts { contracts { id } } }", json!({})).await;
    assert_eq!(kept["contracts"]["contracts"], json!([]));
    assert!(stack.aws.sqs.receive(CONTRACT, 1).is_empty());
}

#[tokio::test]
async fn a_contract_of_another_workspace_is_answered_like_one_that_is_not_there() {
    let stack = Stack::start().await;
    let (mut mine, template) = Office::equipped(&stack, "Harbor Lights").await;
    let (mut other, _) = Office::equipped(&stack, "Tide Pool").await;
    let file = with(
        wish(&template),
        &json!({ "templateId": null, "documentName": "nda.pdf", "documentBase64": PDF_BASE64 }),
    );
    let requested = mine.post("/contracts", &file).await;
    assert_eq!(requested.status, 202, "{}", requested.json());
    let id = requested.json()["contractId"].as_str().unwrap().to_owned();
    let questions = [
        "query($id: ID!) { getContractStatus(id: $id) { id } }",
        "query($id: ID!) { contractDocument(id: $id) { link } }",
        "mutation($id: ID!) { cancelContract(id: $id, reason: \"No.\") { id } }",
        "mutation($id: ID!) { remindSigner(id: $id) { id } }",
    ];

    for question in questions {
        let foreign = other.admin.ask_graphql(question, json!({ "id": id })).await;
        let nothing = other.admin.ask_graphql(question, json!({ "id": "ctr_nobody" })).await;

        assert_eq!(code(&foreign), "NOT_FOUND", "{question}: {foreign}");
        assert_eq!(foreign["errors"][0]["message"], nothing["errors"][0]["message"], "{question}");
    }
    for path in [format!("/contracts/{id}"), format!("/contracts/{id}/document")] {
        assert_eq!(other.get(&path).await.status, 404, "{path}");
    }
    let cancel = other.post(&format!("/contracts/{id}/cancel"), &json!({ "reason": "No." })).await;
    assert_eq!(cancel.status, 404);
    let list = "{ contracts { contracts { id } } }";
    assert_eq!(other.admin.graphql(list, json!({})).await["contracts"]["contracts"], json!([]));
    let own = mine.admin.graphql(list, json!({})).await;
    assert_eq!(own["contracts"]["contracts"], json!([{ "id": id }]));
    let stranger = answer(stack.app, &Ask::new("GET", &format!("/contracts/{id}"))).await;
    assert_eq!(stranger.status, 401);
}

#[tokio::test]
async fn an_account_is_kept_once_a_call_worked_and_its_secrets_never_come_out() {
    let stack = Stack::start().await;
    let mut office = Office::open(&stack, "Harbor Lights").await;
    let key = stack.esign.pandadoc().credentials().api_key;
    let account = |api: &str, webhook: &str| json!({ "pandadoc": { "environment": "PRODUCTION", "apiKey": api, "webhookKey": webhook } });

    let wrong = office.save(&account("not-a-key", "")).await;
    assert_eq!(code(&wrong), "BAD_USER_INPUT", "{wrong}");
    let seen =
        "{ esignAccounts { provider webhookUrl webhookKeys trouble } contractSettings { provider version } }";
    assert_eq!(office.admin.graphql(seen, json!({})).await["esignAccounts"], json!([]));
    let saved = office.save(&account(&key, "")).await["data"]["saveEsignAccount"].clone();
    assert_eq!((&saved["webhookKeys"], &saved["trouble"]), (&json!(0), &Value::Null), "{saved}");
    let mut counts = Vec::new();
    for webhook in ["first-key", "second-key", "third-key", "third-key", ""] {
        let next = office.save(&account("", webhook)).await["data"]["saveEsignAccount"].clone();
        assert_eq!(next["webhookUrl"], saved["webhookUrl"]);
        counts.push(next["webhookKeys"].as_u64().unwrap());
    }
    assert_eq!(counts, [1, 2, 2, 2, 2]);
    let dropped = office.save(&with(account("", ""), &json!({ "dropOldKeys": true }))).await;
    assert_eq!(dropped["data"]["saveEsignAccount"]["webhookKeys"], 1, "{dropped}");

    let shown = office.admin.graphql(seen, json!({})).await;
    assert_eq!(shown["contractSettings"], json!({ "provider": "PANDADOC", "version": 1 }));
    for secret in [key.as_str(), "third-key"] {
        assert!(!shown.to_string().contains(secret) && !saved.to_string().contains(secret));
    }
}

#[tokio::test]
async fn a_consent_that_is_missing_is_told_with_its_link_and_over_once_it_is_given() {
    let stack = Stack::start().await;
    let mut office = Office::open(&stack, "Harbor Lights").await;
    let given = stack.esign.docusign().credentials();
    stack.esign.switch(|it| it.consent = false);
    let account = json!({ "docusign": {
        "environment": "SANDBOX", "integrationKey": given.integration_key, "userId": given.user_id,
        "accountId": given.account_id, "privateKey": given.private_key, "hmacKeys": ["connect-key"],
    } });

    let saved = office.save(&account).await["data"]["saveEsignAccount"].clone();
    assert!(saved["trouble"].as_str().unwrap().contains("redirect_uri="), "{saved}");
    stack.esign.switch(|it| it.consent = true);
    let mended = office
        .save(&json!({ "docusign": {
        "environment": "SANDBOX", "accountId": given.account_id } }))
        .await;

    assert_eq!(mended["data"]["saveEsignAccount"]["trouble"], Value::Null, "{mended}");
    assert_eq!(mended["data"]["saveEsignAccount"]["webhookKeys"], 1);
}

#[tokio::test]
async fn an_account_with_open_contracts_is_removed_only_by_force() {
    let stack = Stack::start().await;
    let (mut office, template) = Office::equipped(&stack, "Harbor Lights").await;
    assert_eq!(office.post("/contracts", &wish(&template)).await.status, 202);
    let remove = "mutation($force: Boolean!) { removeEsignAccount(provider: DROPBOX_SIGN, force: $force) { provider } }";

    let refused = office.admin.ask_graphql(remove, json!({ "force": false })).await;
    let forced = office.admin.graphql(remove, json!({ "force": true })).await;

    assert_eq!(code(&refused), "CONFLICT", "{refused}");
    assert_eq!(forced["removeEsignAccount"], json!([]));
    let settings = office.admin.graphql("{ contractSettings { provider } }", json!({})).await;
    assert_eq!(settings["contractSettings"]["provider"], Value::Null);
}

#[tokio::test]
async fn rules_are_replaced_as_they_were_read_and_cannot_be_dated_back() {
    let stack = Stack::start().await;
    let (mut office, template) = Office::equipped(&stack, "Harbor Lights").await;
    let update = "mutation($input: ContractSettingsInput!) { updateContractSettings(input: $input) \
        { version provider rules { name enabled since trigger { opportunityStage membershipOfProduct } } } }";
    let rule = |enabled: bool, days: u32| {
        json!({ "name": "nda", "enabled": enabled, "trigger": { "opportunityStage": "CUSTOMER" }, "templateId": template,
                "role": "Client", "subject": "Please sign", "expiresInDays": days })
    };

    let off = office.admin.graphql(update, json!({ "input": { "rules": [rule(false, 30)] } })).await;
    let on =
        office.admin.graphql(update, json!({ "input": { "version": 2, "rules": [rule(true, 30)] } })).await;
    let late = office.admin.ask_graphql(update, json!({ "input": { "version": 2, "rules": [] } })).await;
    let wrong = office.admin.ask_graphql(update, json!({ "input": { "rules": [rule(true, 91)] } })).await;
    let nobody = office.admin.ask_graphql(update, json!({ "input": { "provider": "DOCUSIGN" } })).await;

    assert_eq!(off["updateContractSettings"]["rules"][0]["since"], Value::Null);
    assert!(on["updateContractSettings"]["rules"][0]["since"].is_string(), "{on}");
    assert_eq!(on["updateContractSettings"]["version"], 3);
    assert_eq!((code(&late), code(&wrong), code(&nobody)), ("CONFLICT", "BAD_USER_INPUT", "BAD_USER_INPUT"));
}
