//! How Twenty refuses a change of the data model. The bodies are the recorded ones, down to the noise around
//! the one line that matters.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::schema::Field;
use super::space::Object;

/// A refusal of a metadata request.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub status: u16,
    /// The REST body; a string is sent as plain text.
    pub body: Value,
    /// The GraphQL error.
    pub error: Value,
}

/// One failed entity.
pub(super) fn entry(kind: &str, errors: &[(&str, &str)], about: Value) -> Value {
    let errors: Vec<Value> = errors
        .iter()
        .map(|(code, message)| json!({"code": code, "message": message, "userFriendlyMessage": message}))
        .collect();
    let mut entry = json!({"status": "fail", "errors": errors, "metadataName": kind, "type": "create"});
    entry["flatEntityMinimalInformation"] = about;
    entry
}

fn fresh(seed: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, seed.as_bytes())
}

impl Trouble {
    fn validation(what: &str, errors: Vec<(&str, Vec<Value>)>, friendly: &str) -> Self {
        let total: usize = errors.iter().map(|(_, list)| list.len()).sum();
        let mut summary = Map::from_iter([("totalErrors".to_owned(), json!(total))]);
        summary.extend(errors.iter().map(|(kind, list)| ((*kind).to_owned(), json!(list.len()))));
        let spoken: Vec<String> = errors
            .iter()
            .map(|(kind, list)| format!("{} {kind}{}", list.len(), if list.len() == 1 { "" } else { "s" }))
            .collect();
        let errors: Map<String, Value> =
            errors.into_iter().map(|(kind, list)| (kind.to_owned(), Value::Array(list))).collect();
        let message = format!("Multiple validation errors occurred while {what}");
        Self {
            status: 400,
            body: json!({
                "statusCode": 400, "error": "METADATA_VALIDATION_ERROR", "message": message, "errors": errors,
                "summary": summary, "userFriendlyMessage": friendly,
            }),
            error: json!({
                "message": message,
                "extensions": {
                    "code": "METADATA_VALIDATION_FAILED", "errors": errors, "summary": summary,
                    "userFriendlyMessage": friendly,
                    "message": format!("Validation failed for {}", spoken.join(", ")),
                },
            }),
        }
    }

    /// A field that may not be made, with the views that would have shown it.
    pub(super) fn field(object: &Object, name: &str, code: &str, message: &str, unique: bool) -> Self {
        let field = fresh(name);
        let about = json!({
            "universalIdentifier": field, "name": name, "objectMetadataUniversalIdentifier": object.universal,
        });
        let mut failed = entry("fieldMetadata", &[(code, message)], about);
        failed["errors"][0]["value"] = json!(name);
        let views = ["first view", "second view"].map(|view| {
            let about = json!({
                "universalIdentifier": fresh(&format!("{name} in {view}")),
                "viewUniversalIdentifier": fresh(view), "fieldMetadataUniversalIdentifier": field,
            });
            entry("viewField", &[("INVALID_VIEW_DATA", "Field metadata not found")], about)
        });
        let mut errors = vec![("fieldMetadata", vec![failed]), ("viewField", views.to_vec())];
        if unique && code == "NOT_AVAILABLE" {
            errors.push(("index", vec![taken_index(name)]));
        }
        Self::validation("creating fields", errors, "Many validation errors")
    }

    /// A bad option of a select field.
    pub(super) fn option(field: &Field, message: &str, value: &Value) -> Self {
        let object = Object::new(field.universal, "", "", 0);
        let mut trouble = Self::field(&object, &field.name, "INVALID_FIELD_INPUT", message, false);
        trouble.body["errors"]["fieldMetadata"][0]["errors"][0]["value"] = value.clone();
        trouble.error["extensions"]["errors"]["fieldMetadata"][0]["errors"][0]["value"] = value.clone();
        trouble
    }

    pub(super) fn object(singular: &str, plural: &str, code: &str, message: &str) -> Self {
        let about =
            json!({"universalIdentifier": fresh(plural), "namePlural": plural, "nameSingular": singular});
        let object = fresh(plural);
        let field = json!({
            "universalIdentifier": fresh("name"), "name": "name", "objectMetadataUniversalIdentifier": object,
        });
        let mut lost_field =
            entry("fieldMetadata", &[("OBJECT_METADATA_NOT_FOUND", "Object metadata not found")], field);
        lost_field["errors"][0]["userFriendlyMessage"] = json!("Field to create related object not found");
        let view = json!({"universalIdentifier": fresh("view")});
        let shown = json!({
            "universalIdentifier": fresh("view field"), "viewUniversalIdentifier": fresh("view"),
            "fieldMetadataUniversalIdentifier": fresh("name"),
        });
        let index = json!({"universalIdentifier": fresh("index"), "name": "IDX_simulated"});
        let search = json!({
            "universalIdentifier": fresh("search"), "objectMetadataUniversalIdentifier": object,
        });
        Self::validation(
            "creating object",
            vec![
                ("fieldMetadata", vec![lost_field]),
                ("objectMetadata", vec![entry("objectMetadata", &[(code, message)], about)]),
                ("view", vec![entry("view", &[("INVALID_VIEW_DATA", "Object metadata not found")], view)]),
                ("viewField", vec![entry("viewField", &[("INVALID_VIEW_DATA", "View not found")], shown)]),
                (
                    "index",
                    vec![entry(
                        "index",
                        &[("INDEX_ALREADY_EXISTS", "Index with same name already exists")],
                        index,
                    )],
                ),
                (
                    "searchFieldMetadata",
                    vec![entry(
                        "searchFieldMetadata",
                        &[("FIELD_METADATA_NOT_FOUND", "Field metadata not found")],
                        search,
                    )],
                ),
            ],
            "Many validation errors",
        )
    }

    /// The object a field was meant for is not there.
    pub(super) fn no_object() -> Self {
        let friendly = "Created field metadata, parent object metadata not found";
        let failed = json!({
            "errors": [{
                "code": "OBJECT_METADATA_NOT_FOUND", "message": "Provided object metadata id does not exist",
                "userFriendlyMessage": friendly,
            }],
            "type": "create", "metadataName": "fieldMetadata", "flatEntityMinimalInformation": {"id": ""},
        });
        Self::validation("creating field", vec![("fieldMetadata", vec![failed])], friendly)
    }

    pub(super) fn unique_with_default(field: &Field) -> Self {
        let (name, kind) = (&field.name, field.kind.name());
        let friendly = format!("{kind} fields cannot have a default value.");
        let message = format!("Unique index cannot be created for field {name} of type {kind}");
        let about = json!({"universalIdentifier": fresh(name), "name": "IDX_UNIQUE_simulated"});
        let mut failed = entry("index", &[("INDEX_FIELD_INVALID_DEFAULT_VALUE", &message)], about);
        failed["errors"][0]["userFriendlyMessage"] = json!(friendly);
        Self::validation("creating fields", vec![("index", vec![failed])], &friendly)
    }

    /// The body-parser's way of saying no.
    pub(super) fn bad_request(message: &str) -> Self {
        Self {
            status: 400,
            body: json!({"message": [message], "error": "Bad Request", "statusCode": 400}),
            error: json!({"message": message, "extensions": {"code": "BAD_USER_INPUT"}}),
        }
    }

    fn plain(status: u16, error: &str, message: &str, code: &str, graph_code: &str) -> Self {
        let mut body = json!({"statusCode": status, "error": error, "messages": [message]});
        if !code.is_empty() {
            body["code"] = json!(code);
        }
        let extensions = json!({"userFriendlyMessage": message, "subCode": code, "code": graph_code});
        Self { status, body, error: json!({"message": message, "extensions": extensions}) }
    }

    pub(super) fn no_field() -> Self {
        Self::plain(404, "Error", "Field metadata not found", "FIELD_METADATA_NOT_FOUND", "NOT_FOUND")
    }

    pub(super) fn no_such_object() -> Self {
        Self::plain(404, "Error", "Object metadata not found", "OBJECT_METADATA_NOT_FOUND", "NOT_FOUND")
    }

    pub(super) fn no_webhook() -> Self {
        Self::plain(404, "Error", "Webhook not found", "WEBHOOK_NOT_FOUND", "NOT_FOUND")
    }

    pub(super) fn bad_webhook() -> Self {
        let message = "Multiple validation errors occurred while creating webhook";
        let mut trouble =
            Self::plain(400, "WorkspaceMigrationBuilderException", message, "", "BAD_USER_INPUT");
        trouble.error["extensions"] = json!({"code": "METADATA_VALIDATION_FAILED"});
        trouble
    }

    /// The role does not allow it.
    pub(super) fn denied(status: u16) -> Self {
        let message = "Entity performing the request does not have permission";
        let mut trouble = Self::plain(status, "Error", message, "PERMISSION_DENIED", "FORBIDDEN");
        trouble.error["extensions"]["userFriendlyMessage"] = json!("User does not have permission.");
        trouble
    }

    /// A unique index over values that are not unique: a plain string, and nothing has changed.
    pub(super) fn duplicates(index: Uuid) -> Self {
        let text = format!("Migration action 'create' for 'index' (universalIdentifier: {index}) failed");
        let error = json!({"message": text, "extensions": {"code": "INTERNAL_SERVER_ERROR"}});
        Self { status: 500, body: Value::String(text), error }
    }

    /// What an API key is told that asks for a user's own things.
    pub(super) fn forbidden_resource() -> Value {
        json!({
            "message": "Forbidden resource",
            "extensions": {
                "code": "FORBIDDEN",
                "response": {"message": "Forbidden resource", "error": "Forbidden", "statusCode": 403},
                "userFriendlyMessage": "An error occurred.",
            },
        })
    }
}

fn taken_index(name: &str) -> Value {
    let about =
        json!({"universalIdentifier": fresh(&format!("index on {name}")), "name": "IDX_UNIQUE_simulated"});
    let errors = [
        ("INDEX_ALREADY_EXISTS", "Index with same universal identifier already exists"),
        ("INDEX_ALREADY_EXISTS", "Index with same name already exists"),
        ("INDEX_FIELD_NOT_FOUND", "Could not find index field related field metadata"),
    ];
    let mut failed = entry("index", &errors, about);
    let last = json!({
        "code": "ENTITY_ALREADY_EXISTS",
        "message": format!("Cannot create index: universalIdentifier \"{}\" already exists in index maps", fresh(name)),
    });
    failed["errors"].as_array_mut().expect("errors are a list").push(last);
    failed
}
