//! How Twenty says no, once for REST and once for GraphQL. The texts are the recorded ones.

use serde_json::{Map, Value, json};

/// A refusal of a core request.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub status: u16,
    /// The class name REST shows as `error`.
    pub error: &'static str,
    pub message: String,
    /// `code` of the REST body, where it has one.
    pub rest_code: Option<&'static str>,
    pub graph_code: &'static str,
    pub sub_code: Option<&'static str>,
    pub friendly: Option<Value>,
    /// Further keys of the REST body and of the GraphQL extensions.
    pub more: Map<String, Value>,
    pub headers: Vec<(&'static str, String)>,
}

impl Refusal {
    fn new(status: u16, error: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            error,
            message: message.into(),
            rest_code: None,
            graph_code: "BAD_USER_INPUT",
            sub_code: None,
            friendly: None,
            more: Map::new(),
            headers: Vec::new(),
        }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequestException", message)
    }

    fn sub(mut self, code: &'static str) -> Self {
        self.sub_code = Some(code);
        self
    }

    fn friendly(mut self, text: impl Into<String>) -> Self {
        self.friendly = Some(Value::String(text.into()));
        self
    }

    /// A value that its field does not take. `shown` is the value as JavaScript prints it.
    pub(super) fn value(message: impl Into<String>, shown: &str) -> Self {
        Self::bad(message).sub("INVALID_ARGS_DATA").friendly(format!("Invalid value: \"{shown}\""))
    }

    pub(super) fn unknown_field(object: &str, field: &str) -> Self {
        Self::bad(format!("Object {object} doesn't have any \"{field}\" field."))
            .sub("INVALID_ARGS_DATA")
            .friendly("An error occurred.")
    }

    pub(super) fn relation_filter(field: &str) -> Self {
        Self::bad(format!("Cannot filter by relation field \"{field}\""))
            .sub("INVALID_ARGS_FILTER")
            .friendly(format!("Invalid filter: filtering by relation field \"{field}\" is not supported"))
    }

    pub(super) fn not_found() -> Self {
        let mut refusal = Self::new(404, "NotFoundException", "Record not found")
            .sub("RECORD_NOT_FOUND")
            .friendly("This record does not exist or has been deleted.");
        refusal.graph_code = "NOT_FOUND";
        refusal
    }

    pub(super) fn duplicate(label: &str, object: &str, holder: &str) -> Self {
        let text = format!("This {label} value is already in use. Please check your data and try again.");
        let mut refusal = Self::bad("A duplicate entry was detected").friendly(text);
        refusal.more.insert("conflictingRecordId".into(), json!(holder));
        refusal.more.insert("conflictingObjectNameSingular".into(), json!(object));
        refusal
    }

    pub(super) fn conflict(groups: &str) -> Self {
        let text = format!(
            "Multiple records found with the same unique field values for {groups}. \
             Cannot determine which record to update."
        );
        Self::bad(text.clone()).sub("UPSERT_MULTIPLE_MATCHING_RECORDS_CONFLICT").friendly(text)
    }

    pub(super) fn too_many_inputs() -> Self {
        let text = "Maximum number of records to upsert is 200.";
        Self::bad(text).sub("TOO_MANY_RECORDS_TO_UPDATE").friendly(text)
    }

    pub(super) fn too_many_updates() -> Self {
        let mut refusal = Self::new(400, "Error", "Cannot update more than 200 records at once")
            .friendly("You can only update up to 200 records at once.");
        refusal.rest_code = Some("TOO_MANY_RECORDS_TO_UPDATE");
        refusal
    }

    pub(super) fn not_an_array() -> Self {
        Self::new(400, "TypeError", "args.data.forEach is not a function")
    }

    pub(super) fn no_target(field: &str, condition: &str) -> Self {
        Self::bad(format!("Expected 1 record to connect to {field}, but found 0 for {condition}"))
            .friendly(format!("Can't connect to {field}. No unique record found with condition: {condition}"))
    }

    pub(super) fn foreign_key(object: &str, constraint: &str) -> Self {
        Self::bad(format!(
            "insert or update on table \"{object}\" violates foreign key constraint \"{constraint}\""
        ))
    }

    pub(super) fn not_null(object: &str, column: &str) -> Self {
        Self::bad(format!(
            "null value in column \"{column}\" of relation \"{object}\" violates not-null constraint"
        ))
    }

    pub(super) fn nul_byte() -> Self {
        let mut refusal = Self::new(500, "InternalServerErrorException", "Data validation error.");
        refusal.graph_code = "INTERNAL_SERVER_ERROR";
        refusal
    }

    pub(super) fn with_code(message: &str, code: &'static str) -> Self {
        let mut refusal = Self::new(400, "Error", message).sub(code).friendly(message);
        refusal.rest_code = Some(code);
        refusal
    }

    pub(super) fn denied() -> Self {
        let mut refusal =
            Self::with_code("Entity performing the request does not have permission", "PERMISSION_DENIED")
                .friendly("User does not have permission.");
        refusal.graph_code = "FORBIDDEN";
        refusal
    }

    /// The bucket of the workspace is empty, as 2.21 says it.
    pub(super) fn limit(limit: i64) -> Self {
        Self::new(429, "HttpException", format!("Limit reached ({limit} tokens per 60000 ms)"))
            .sub("LIMIT_REACHED")
            .friendly("Rate limit reached. Please try again later.")
    }

    /// The same as newer servers say it.
    pub(super) fn limit_newer(limit: i64, key: &str, wait_ms: i64, now_ms: i64) -> Self {
        let seconds = (wait_ms + 999) / 1000;
        let mut refusal =
            Self::new(429, "RATE_LIMITED", format!("Limit reached ({limit} tokens per 60000 ms)"))
                .friendly("Rate limit reached. Please try again later.");
        refusal.graph_code = "RATE_LIMITED";
        refusal.more = [
            ("limitKind", json!("speed")),
            ("scope", json!({"spenderType": "apiKey", "spenderId": key})),
            ("limit", json!(limit)),
            ("remaining", json!(0)),
            ("periodCount", json!(60)),
            ("periodUnit", json!("second")),
            ("retryAfterSeconds", json!(seconds)),
            ("retryAfterMs", json!(wait_ms)),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into_iter()
        .collect();
        refusal.headers = vec![
            ("retry-after", seconds.to_string()),
            ("x-ratelimit-limit", limit.to_string()),
            ("x-ratelimit-remaining", "0".to_owned()),
            ("x-ratelimit-reset", (now_ms / 1000 + seconds).to_string()),
        ];
        refusal
    }

    /// What the tests count refusals by.
    pub(super) fn kind(&self) -> String {
        match self.status {
            429 => "limit".to_owned(),
            404 => "not found".to_owned(),
            _ if self.more.contains_key("conflictingRecordId") => "duplicate".to_owned(),
            _ => self.sub_code.unwrap_or(self.error).to_owned(),
        }
    }

    pub(super) fn rest_body(&self) -> Value {
        let mut body = json!({"statusCode": self.status, "error": self.error, "messages": [self.message]});
        if let Some(code) = self.rest_code {
            body["code"] = json!(code);
        }
        if self.status == 429 {
            for (key, value) in self.more.iter().filter(|(key, _)| *key != "retryAfterMs") {
                body[key] = value.clone();
            }
        }
        body
    }

    pub(super) fn graph_error(&self) -> Value {
        let mut extensions = self.more.clone();
        extensions.insert("code".into(), json!(self.graph_code));
        if let Some(code) = self.sub_code {
            extensions.insert("subCode".into(), json!(code));
        }
        if let Some(text) = &self.friendly {
            extensions.insert("userFriendlyMessage".into(), text.clone());
        }
        json!({"message": self.message, "extensions": extensions})
    }
}

/// A value as Node's `util.inspect` prints it, which is how it appears in messages.
pub(super) fn inspect(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{text}'"),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) => format!("[ {} ]", items.iter().map(inspect).collect::<Vec<_>>().join(", ")),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let inner: Vec<_> = map.iter().map(|(key, value)| format!("{key}: {}", inspect(value))).collect();
            format!("{{ {} }}", inner.join(", "))
        }
        other => other.to_string(),
    }
}
