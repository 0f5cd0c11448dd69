//! The state a recorded exchange was made in, made again: the custom fields it mentions, the records it is about,
//! the key it was sent with.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use sim::clock::Clock;
use sim::fault::Faults;
use sim::twenty::{Role, Twenty, Workspace};

/// Object, name, type and whether it is unique, of the custom fields of the recording.
const FIELDS: [(&str, &str, &str, bool); 15] = [
    ("person", "whopUserId", "TEXT", true),
    ("person", "whopJoinedOn", "DATE", false),
    ("person", "whopMembershipCount", "NUMBER", false),
    ("person", "whopUsername", "TEXT", false),
    ("person", "whopLifetimeSpend", "CURRENCY", false),
    ("person", "whopProducts", "MULTI_SELECT", false),
    ("person", "oauthMade", "TEXT", false),
    ("person", "probeUserId", "TEXT", false),
    ("person", "dupField", "TEXT", false),
    ("opportunity", "whopRenewsAt", "DATE_TIME", false),
    ("opportunity", "whopMembershipStatus", "SELECT", false),
    ("opportunity", "whopRaw", "RAW_JSON", false),
    ("opportunity", "whopMembershipId", "TEXT", true),
    ("opportunity", "whopCancelAtPeriodEnd", "BOOLEAN", false),
    ("opportunity", "whopManageLink", "LINKS", false),
];

/// Ids of objects in the recording.
const OBJECTS: [(&str, &str); 3] = [
    ("633df543-1f03-49af-ae38-5448f7304c8c", "person"),
    ("eed96aa4-aef2-4f78-aa76-57713ab5dda7", "opportunity"),
    ("7a16579f-3cce-450d-b94a-256512612575", "contract"),
];

/// Ids of fields in the recording.
const FIELD_IDS: [(&str, &str, &str); 4] = [
    ("7404fe01-5525-42db-bffd-8711310005ce", "person", "whopUsername"),
    ("fb572631-0f0a-4f63-9d3e-dadd06168296", "opportunity", "stage"),
    ("a8a977ab-0242-43c3-b8ec-cec88f28af44", "opportunity", "whopMembershipStatus"),
    ("7be9c26d-e8d6-40c1-91c5-eb69c07aa729", "person", "dupField"),
];

/// A server in the state of one exchange.
pub(super) struct World {
    pub twenty: Twenty,
    pub workspace: Workspace,
    pub clock: Clock,
    client: reqwest::Client,
    key: Option<String>,
    renamed: Vec<(String, String)>,
    /// Names of the objects with their ids.
    ids: Vec<(String, String)>,
}

fn named(name: &str, list: &[&str]) -> bool {
    list.contains(&name)
}

impl World {
    pub(super) async fn for_exchange(name: &str, exchange: &Value) -> Self {
        let clock = Clock::stepped(1_795_423_975_000);
        let twenty = Twenty::start(clock.clone(), &Faults::default(), 0).await;
        let workspace = twenty.create_workspace("Acme");
        twenty.set_limit(&workspace, 10_000);
        let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
        let key = Some(workspace.api_key.clone());
        let mut world = Self {
            twenty,
            workspace,
            clock: clock.clone(),
            client,
            key,
            renamed: Vec::new(),
            ids: Vec::new(),
        };
        let text = exchange.to_string();
        world.make_fields(name, &text).await;
        world.make_records(name);
        world.rename(&text).await;
        world.prepare(name).await;
        world.choose_key(name, &clock);
        world
    }

    async fn learn_ids(&mut self) {
        let query = json!({"query": "{objects(paging:{first:200}){edges{node{id nameSingular}}}}"});
        let (_, body) = self.send("POST", "/metadata", &query).await;
        let edges = body["data"]["objects"]["edges"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.ids =
            edges.map(|edge| (text(&edge["node"]["nameSingular"]), text(&edge["node"]["id"]))).collect();
    }

    async fn make_fields(&mut self, name: &str, text: &str) {
        let creates = |field: &str| {
            text.contains(&format!("\"name\":\"{field}\"")) && text.contains("createOneField")
                || name.starts_with("metadata-rest-create-field")
                    && text.contains(&format!("\"name\":\"{field}\""))
        };
        if (text.contains("contract") || text.contains(OBJECTS[2].0)) && name != "metadata-rest-create-object"
        {
            let object = json!({
                "nameSingular": "contract", "namePlural": "contracts", "labelSingular": "Contract",
                "labelPlural": "Contracts", "description": "Agreements", "icon": "IconFileText",
            });
            self.send("POST", "/rest/metadata/objects", &object).await;
        }
        self.learn_ids().await;
        let again = name.contains("duplicate-name") || name.contains("same-name");
        for (object, field, kind, unique) in FIELDS {
            let mentioned = text.contains(field)
                || text.contains("7404fe01") && field == "whopUsername"
                || text.contains("7be9c26d") && field == "dupField";
            if !mentioned || creates(field) && !again {
                continue;
            }
            let options: &[&str] = match field {
                "whopProducts" => &["PRO", "BASIC"],
                "whopMembershipStatus" => &["ACTIVE", "TRIALING", "PAST_DUE", "CANCELED"],
                _ => &[],
            };
            let options: Vec<Value> = options
                .iter()
                .map(|value| json!({"value": value, "label": value, "color": "green", "position": 0}))
                .collect();
            let mut input = json!({
                "objectMetadataId": self.object_id(object), "type": kind, "name": field, "label": field,
                "isUnique": unique,
            });
            if !options.is_empty() {
                input["options"] = json!(options);
            }
            if kind == "BOOLEAN" {
                input["defaultValue"] = json!(false);
            }
            let (status, body) = self.send("POST", "/rest/metadata/fields", &input).await;
            assert_eq!(status, 201, "{body}");
        }
        if name == "contracts-upsert" {
            let object = self.object_id("contract");
            let id = json!({"objectMetadataId": object, "type": "TEXT", "name": "externalId", "label": "E", "isUnique": true});
            let signer = json!({
                "objectMetadataId": object, "type": "RELATION", "name": "signer", "label": "Signer",
                "relationCreationPayload": {
                    "type": "MANY_TO_ONE", "targetObjectMetadataId": self.object_id("person"),
                    "targetFieldLabel": "Contracts", "targetFieldIcon": "IconFileText",
                },
            });
            self.send("POST", "/rest/metadata/fields", &id).await;
            self.send("POST", "/rest/metadata/fields", &signer).await;
        }
    }

    fn object_id(&self, name: &str) -> String {
        self.ids.iter().find(|(known, _)| known == name).unwrap().1.clone()
    }

    /// Recorded ids of metadata are asked for by the ids of this server.
    async fn rename(&mut self, text: &str) {
        for (id, name) in OBJECTS {
            if let Some((_, ours)) = self.ids.iter().find(|(known, _)| known == name) {
                self.renamed.push((id.to_owned(), ours.clone()));
            }
        }
        for (id, object, name) in FIELD_IDS
            .into_iter()
            .filter(|(id, _, name)| text.contains(id) || *name == "dupField" && text.contains(name))
        {
            let path = format!("/rest/metadata/objects/{}", self.object_id(object));
            let (_, body) = self.send("GET", &path, &Value::Null).await;
            let fields = body["fields"].as_array().unwrap();
            if let Some(field) = fields.iter().find(|field| field["name"] == name) {
                self.renamed.push((id.to_owned(), field["id"].as_str().unwrap().to_owned()));
            }
        }
    }

    /// The records most exchanges are about; the ones an exchange makes itself are left out.
    fn make_records(&self, name: &str) {
        let person = |id: &str, key: &str, email: &str, more: Value| {
            let mut record = json!({"id": id, "whopUserId": key, "emails": {"primaryEmail": email}});
            record.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
            ("people", record)
        };
        let inserts = name == "people-batch-upsert-insert";
        let graph_inserts = name == "graphql-people-upsert-many";
        let company = "06290608-8bf0-4806-99ae-a715a6a93fad";
        let (one, gra1) = ("d30ed241-ab31-4d4b-882b-98651e95b82a", "4d533b49-fee9-4586-beb1-b6f9758e557c");
        let eighty = "c54b03f7-4f53-48c5-abf7-6ca499404fda";
        let named_one =
            json!({"name": {"firstName": "Ada", "lastName": "Member1"}, "whopUsername": "member1"});
        let with_company = json!({
            "name": {"firstName": "Gra", "lastName": "M1"}, "companyId": company, "jobTitle": "x",
        });
        let plain = json!({});
        let mut all = vec![
            (
                "companies",
                json!({"id": company, "name": "Notion", "domainName": {"primaryLinkUrl": "https://notion.com"}}),
            ),
            (
                "opportunities",
                json!({"name": "API Integration Deal", "closeDate": "2026-01-25T16:26:00.000Z", "ownerId": null}),
            ),
            (
                "notes",
                json!({"id": "89a881b3-00da-45d3-aca6-a51789532478", "title": "AI summary", "bodyV2": {"markdown": "x"}}),
            ),
            ("tasks", json!({"id": "ede74d02-2083-4712-be9d-3253fbe47b70", "title": "Call member"})),
        ];
        if !inserts {
            all.push(person(one, "user_0001", "member1@example.com", named_one));
            all.push(person(
                "db8c7655-4f01-446f-a89e-2c342d36bcf0",
                "user_0002",
                "member2@example.com",
                plain.clone(),
            ));
        }
        if name == "people-upsert-same-email-new-whop-id" {
            all.push(person(
                "094c9fe2-251d-4a93-9cfa-61908aee61d1",
                "user_0003",
                "member3@example.com",
                plain.clone(),
            ));
        }
        if name.starts_with("people-upsert-") {
            all.push(person(
                "45aef72e-3ef2-44aa-9cc7-8442ea1e50b0",
                "user_0004",
                "member4-new@example.com",
                plain.clone(),
            ));
        }
        if !graph_inserts {
            all.push(person(gra1, "gra_0001", "gra1@gmail.com", with_company));
            all.push(person(
                "4ce47d2d-7e69-450f-8e02-c13ca27c45a1",
                "gra_0002",
                "gra2@gmail.com",
                plain.clone(),
            ));
        }
        if name == "opportunities-batch-upsert-connect-person" {
            all.push(person(
                "04feee4f-bd1f-4bef-994a-787f28122ea9",
                "gra_0003",
                "gra3@gmail.com",
                plain.clone(),
            ));
        }
        let gone =
            named(name, &["people-update-404", "people-delete-404", "people-get-404", "people-create-one"]);
        if name.starts_with("people-") && !gone {
            let additional = json!({"emails": {"primaryEmail": "member80@example.com", "additionalEmails": ["alt80@example.com"]}});
            all.push(person(eighty, "user_0080", "", additional));
        }
        if name != "people-batch-200" {
            for number in [1, 2, 3, 198, 199] {
                let (key, email) = (format!("bulk_{number:04}"), format!("bulk{number}@gmail.com"));
                let id = format!("b71cbfc8-039d-461e-903c-{number:012}");
                all.push(person(&id, &key, &email, json!({"jobTitle": "x"})));
            }
        }
        if name.contains("too-many") && name.contains("update") {
            for number in 0..201 {
                let id = format!("7ee40794-7b57-4ba6-8ff6-{number:012}");
                all.push(person(
                    &id,
                    &format!("lat_{number:05}"),
                    &format!("lat{number}@gmail.com"),
                    plain.clone(),
                ));
            }
        }
        let full = json!({
            "whopJoinedOn": "2026-01-02", "whopMembershipCount": 3, "whopProducts": ["PRO"],
            "whopLifetimeSpend": {"amountMicros": 123_450_000, "currencyCode": "USD"},
        });
        let by_id = "11111111-1111-4111-8111-111111111111";
        if name == "people-upsert-by-id-existing" {
            all.push(person(by_id, "byid_1", "", plain.clone()));
        } else if name != "people-upsert-by-id-new" {
            let later = named(name, &["people-date-invalid", "people-number-decimal", "people-phone-parts"]);
            all.push(person(by_id, "byid_2", "", if later { full } else { plain.clone() }));
        }
        all.push(("people", json!({"whopUserId": "", "name": {"firstName": "Empty", "lastName": "Two"}})));
        all.push(person("5ee40794-7b57-4ba6-8ff6-000000000000", "soft_1", "", plain));
        let creates_first = graph_inserts || name == "graphql-opportunities-upsert-connect-person";
        if !creates_first {
            all.push(("opportunities", json!({
                "id": "2bef1582-c294-4140-a3e4-c33f0fe938bd", "whopMembershipId": "mem_0001", "name": "Membership 1",
                "pointOfContactId": gra1, "whopMembershipStatus": "PAST_DUE", "whopRaw": {"n": 1, "plan": "plan_1"}, "stage": "CUSTOMER",
                "amount": {"amountMicros": 1, "currencyCode": "USD"}, "whopRenewsAt": "2026-12-23T00:00:00.000Z",
            })));
        }
        if named(name, &["people-depth-1", "notes-list-depth-1"]) {
            let note = "89a881b3-00da-45d3-aca6-a51789532478";
            all.push(("noteTargets", json!({"noteId": note, "targetPersonId": gra1})));
            all.push((
                "noteTargets",
                json!({"noteId": note, "targetOpportunityId": "2bef1582-c294-4140-a3e4-c33f0fe938bd"}),
            ));
            all.push((
                "taskTargets",
                json!({"taskId": "ede74d02-2083-4712-be9d-3253fbe47b70", "targetPersonId": gra1}),
            ));
        }
        if name == "attachment-get" {
            all.push(("attachments", json!({
                "id": "72b2e523-6337-4eb8-b3a7-4a2b7c7ba1d4", "name": "agreement.pdf", "targetPersonId": gra1,
                "file": [{"fileId": "615fcae2-b75c-4315-8ffb-71b7e64fd1ab", "label": "agreement.pdf"}],
            })));
        }
        self.add(name, all);
        let mut soft = vec![("people", "5ee40794-7b57-4ba6-8ff6-000000000000")];
        let deleted_one = [
            "people-get-soft-deleted",
            "people-list-soft-deleted",
            "people-create-same-unique-as-soft-deleted",
            "people-upsert-soft-deleted-restores",
            "people-restore-many-rest",
            "people-restore-by-id-rest-fails",
        ];
        if named(name, &deleted_one) {
            soft.push(("people", one));
        }
        if name == "graphql-person-restore" {
            soft.push(("people", "4ce47d2d-7e69-450f-8e02-c13ca27c45a1"));
        }
        for (plural, id) in soft {
            self.twenty.soft_delete_as_human(&self.workspace, plural, id);
        }
    }

    /// Adds records without the fields this world does not have.
    fn add(&self, name: &str, records: Vec<(&str, Value)>) {
        let mut known: BTreeMap<&str, Value> = BTreeMap::new();
        for (plural, mut record) in records {
            let known = known.entry(plural).or_insert_with(|| {
                let sample = self.twenty.create_as_human(&self.workspace, plural, &json!({}));
                let known = self.twenty.record(&self.workspace, plural, &sample).unwrap();
                self.twenty.destroy_as_human(&self.workspace, plural, &sample);
                known
            });
            record.as_object_mut().unwrap().retain(|key, _| known.get(key).is_some());
            if name == "people-filter-raw-json" && plural == "opportunities" && record.get("id").is_none() {
                let member = self.twenty.create_as_human(&self.workspace, "workspaceMembers", &json!({}));
                record["ownerId"] = json!(member);
                record["pointOfContactId"] =
                    json!(self.twenty.create_as_human(&self.workspace, "people", &json!({})));
                record["companyId"] = json!("06290608-8bf0-4806-99ae-a715a6a93fad");
                record["amount"] = json!({"amountMicros": 1, "currencyCode": "USD"});
                record["id"] = json!("00000000-0000-4000-8000-000000000001");
            }
            self.twenty.create_as_human(&self.workspace, plural, &record);
        }
    }

    /// What some exchanges need beside records.
    async fn prepare(&mut self, name: &str) {
        let on = |id: &str| self.renamed.iter().find(|(old, _)| old == id).map(|(_, new)| new.clone());
        let field = |id: &str| format!("/rest/metadata/fields/{}", on(id).unwrap_or_default());
        let dup = field("7be9c26d-e8d6-40c1-91c5-eb69c07aa729");
        let off = json!({"isActive": false});
        match name {
            "metadata-rest-delete-field"
            | "metadata-rest-create-field-same-name-as-deactivated"
            | "people-write-deactivated-field" => {
                self.send("PATCH", &dup, &off).await;
            }
            "metadata-rest-make-unique-with-duplicates" => {
                for _ in 0..2 {
                    self.send("POST", "/rest/people", &json!({"dupField": "same"})).await;
                }
            }
            "metadata-rest-delete-object" => {
                let path = format!("/rest/metadata/objects/{}", on(OBJECTS[2].0).unwrap());
                self.send("PATCH", &path, &off).await;
            }
            "webhook-rest-delete" | "webhook-rest-list" => {
                let hook = json!({"targetUrl": "https://hooks.example.com/ok", "operations": ["person.created"], "description": "x"});
                let (_, made) = self.send("POST", "/rest/metadata/webhooks", &hook).await;
                let bare =
                    json!({"targetUrl": "https://hooks.example.com/ok", "operations": ["person.created"]});
                self.send("POST", "/rest/metadata/webhooks", &bare).await;
                self.renamed.push((
                    "9312612e-2c69-44ee-9caf-1875b4280d08".to_owned(),
                    made["id"].as_str().unwrap().to_owned(),
                ));
            }
            "file-upload-put" | "file-upload-complete" => {
                let query = "mutation{createFileUpload(filename:\"agreement.pdf\",size:4,fileFolder:FilesField){fileId uploadUrl}}";
                let (_, made) = self.send("POST", "/metadata", &json!({"query": query})).await;
                let id = made["data"]["createFileUpload"]["fileId"].as_str().unwrap().to_owned();
                self.send("PUT", &format!("/file-upload/{id}"), &json!(true)).await;
                self.renamed.push(("615fcae2-b75c-4315-8ffb-71b7e64fd1ab".to_owned(), id));
            }
            _ if name.starts_with("rate-limit") => self.twenty.set_limit(&self.workspace, 100),
            _ => {}
        }
        if name.starts_with("rate-limit") {
            for _ in 0..100 {
                let (status, _) = self.send("GET", "/rest/people?limit=1", &Value::Null).await;
                assert_eq!(status, 200);
            }
        }
    }

    fn choose_key(&mut self, name: &str, clock: &Clock) {
        let tail = name.strip_prefix("auth-").unwrap_or_default();
        if tail.contains("missing") {
            self.key = None;
        } else if tail.contains("bad-signature") || tail.contains("malformed") {
            self.key = Some("not.a.token".to_owned());
        } else if tail.contains("expired") {
            self.key = Some(self.twenty.issue_key_until(&self.workspace, Role::Admin, clock.now_ms()));
        } else if tail.contains("revoked") {
            let key = self.twenty.issue_key(&self.workspace, Role::Admin);
            self.twenty.revoke_key(&key);
            self.key = Some(key);
        } else if name.starts_with("permission-denied") {
            self.key = Some(self.twenty.issue_key(&self.workspace, Role::ReadOnly));
        }
    }

    /// Sends the recorded request.
    pub(super) async fn ask(&self, name: &str, exchange: &Value) -> (u16, Value) {
        let mut text = exchange["request"]["body"].to_string();
        let mut path = exchange["path"].as_str().unwrap().to_owned();
        for (old, new) in &self.renamed {
            text = text.replace(old, new);
            path = path.replace(old, new);
        }
        let mut body: Value = text.parse().unwrap();
        // Long request lists were shortened in the recording.
        let many = |count: usize| -> Value {
            (0..count)
                .map(|at| json!({"whopUserId": format!("bulk_{at:04}"), "emails": {"primaryEmail": format!("bulk{at}@gmail.com")}}))
                .collect()
        };
        match name {
            "people-batch-200" => body = many(200),
            "people-batch-too-many" => body = many(201),
            "graphql-people-too-many" => body["variables"]["data"] = many(201),
            _ => {}
        }
        self.send(exchange["method"].as_str().unwrap(), &path, &body).await
    }

    /// Any request; an answer that is not JSON comes back as text.
    pub(super) async fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.twenty.url()));
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        if !body.is_null() {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, text.parse().unwrap_or(Value::String(text)))
    }
}
