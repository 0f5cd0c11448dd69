//! Every error either provider is known to answer with: status, type, code, and what it hints about retrying.

use serde_json::{Value, json};

use super::Provider;

/// An error answer. Take one by its name and change its hints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What [`Failure::openai`] or [`Failure::anthropic`] finds it by.
    pub name: &'static str,
    /// Who says it.
    pub provider: Provider,
    /// HTTP status.
    pub status: u16,
    /// `error.type`.
    pub kind: String,
    /// `error.code` of `OpenAI`, `error.details.error_code` of Anthropic.
    pub code: Option<String>,
    /// `error.param` of `OpenAI`.
    pub param: Option<String>,
    /// For people; nothing may be decided on it.
    pub message: String,
    /// The header `retry-after`, seconds or an HTTP date.
    pub retry_after: Option<String>,
    /// The header `retry-after-ms`.
    pub retry_after_ms: Option<u64>,
    /// The header `x-should-retry`.
    pub should_retry: Option<bool>,
    /// True if it comes from the edge, as a page instead of JSON.
    pub page: bool,
}

impl Failure {
    /// An error of `OpenAI` by its name in [`Failure::all`]; a name that does not exist stops the test.
    pub fn openai(name: &str) -> Self {
        Self::of(Provider::OpenAi, name)
    }

    /// The same for Anthropic.
    pub fn anthropic(name: &str) -> Self {
        Self::of(Provider::Anthropic, name)
    }

    /// The same for either.
    pub fn of(provider: Provider, name: &str) -> Self {
        let found = Self::all(provider).into_iter().find(|failure| failure.name == name);
        found.unwrap_or_else(|| panic!("{} has no failure {name}", provider.name()))
    }

    /// All that a provider documents, worst things included.
    pub fn all(provider: Provider) -> Vec<Self> {
        match provider {
            Provider::OpenAi => OPENAI.iter().map(|row| row.failure(provider)).collect(),
            Provider::Anthropic => ANTHROPIC.iter().map(|row| row.failure(provider)).collect(),
        }
    }

    /// With this `retry-after`.
    #[must_use]
    pub fn retry_after(mut self, wait: &str) -> Self {
        self.retry_after = Some(wait.to_owned());
        self
    }

    /// With this `retry-after-ms`.
    #[must_use]
    pub fn retry_after_ms(mut self, wait: u64) -> Self {
        self.retry_after_ms = Some(wait);
        self
    }

    /// With this `x-should-retry`.
    #[must_use]
    pub fn should_retry(mut self, should: bool) -> Self {
        self.should_retry = Some(should);
        self
    }

    /// Without any hint.
    #[must_use]
    pub fn without_hint(mut self) -> Self {
        (self.retry_after, self.retry_after_ms, self.should_retry) = (None, None, None);
        self
    }

    /// With these words for people.
    pub(super) fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// About this field of the request.
    pub(super) fn about(mut self, param: &str, code: Option<&str>) -> Self {
        self.param = Some(param.to_owned());
        self.code = code.map(str::to_owned);
        self
    }

    /// The `error` object and what surrounds it.
    pub(super) fn body(&self, request_id: &str) -> Value {
        match self.provider {
            Provider::OpenAi => json!({"error": {
                "message": self.message, "type": self.kind, "param": self.param, "code": self.code,
            }}),
            Provider::Anthropic => {
                let mut error = json!({"type": self.kind, "message": self.message});
                if let Some(code) = &self.code {
                    error["details"] = json!({"error_code": code});
                }
                json!({"type": "error", "error": error, "request_id": request_id})
            }
        }
    }

    /// The hints as headers.
    pub(super) fn hints(&self) -> Vec<(&'static str, String)> {
        let mut hints = Vec::new();
        hints.extend(self.retry_after.clone().map(|wait| ("retry-after", wait)));
        hints.extend(self.retry_after_ms.map(|wait| ("retry-after-ms", wait.to_string())));
        hints.extend(self.should_retry.map(|should| ("x-should-retry", should.to_string())));
        hints
    }
}

/// Name, status, type, code, seconds to wait, message.
struct Row(&'static str, u16, &'static str, Option<&'static str>, Option<&'static str>, &'static str);

impl Row {
    fn failure(&self, provider: Provider) -> Failure {
        let Self(name, status, kind, code, wait, message) = *self;
        Failure {
            name,
            provider,
            status,
            kind: kind.to_owned(),
            code: code.map(str::to_owned),
            param: None,
            message: message.to_owned(),
            retry_after: wait.map(str::to_owned),
            retry_after_ms: None,
            should_retry: None,
            page: name.ends_with("_at_the_edge"),
        }
    }
}

const INVALID: &str = "invalid_request_error";
const QUOTA: &str = "insufficient_quota";

#[rustfmt::skip]
const OPENAI: &[Row] = &[
    Row("invalid_request", 400, INVALID, None, None, "The request is invalid."),
    Row("invalid_type", 400, INVALID, Some("invalid_type"), None, "Invalid type for 'input'."),
    Row("missing_required_parameter", 400, INVALID, Some("missing_required_parameter"), None, "Missing required parameter: 'model'."),
    Row("unsupported_value", 400, INVALID, Some("unsupported_value"), None, "Unsupported value."),
    Row("invalid_json_schema", 400, INVALID, Some("invalid_json_schema"), None, "Invalid schema for response_format."),
    Row("context_length_exceeded", 400, INVALID, Some("context_length_exceeded"), None,
        "Your input exceeds the context window of this model. Please adjust your input and try again."),
    Row("invalid_api_key", 401, INVALID, Some("invalid_api_key"), None, "Incorrect API key provided."),
    Row("no_api_key", 401, INVALID, None, None, "You didn't provide an API key."),
    Row("unsupported_country_region_territory", 403, "request_forbidden", Some("unsupported_country_region_territory"), None,
        "Country, region, or territory not supported"),
    Row("no_access_to_model", 403, INVALID, Some("model_not_found"), None, "The project does not have access to the model."),
    Row("model_not_found", 404, INVALID, Some("model_not_found"), None, "The model does not exist or you do not have access to it."),
    Row("request_timeout", 408, "timeout", None, None, "The request timed out."),
    Row("conflict", 409, "conflict", None, None, "The resource was changed by another request."),
    Row("rate_limit_tokens", 429, "tokens", Some("rate_limit_exceeded"), Some("2"), "Rate limit reached on tokens per min (TPM)."),
    Row("rate_limit_requests", 429, "requests", Some("rate_limit_exceeded"), Some("2"), "Rate limit reached on requests per min (RPM)."),
    Row("slow_down", 429, "rate_limit_error", Some("slow_down"), Some("2"),
        "Traffic increased faster than the service can safely absorb. Please slow down."),
    Row("credit_balance_exhausted", 429, QUOTA, Some("credit_balance_exhausted"), None, "You have no credits remaining. Add credits to continue."),
    Row("organization_spend_limit_exceeded", 429, QUOTA, Some("organization_spend_limit_exceeded"), None,
        "The organization reached its monthly spend limit."),
    Row("project_spend_limit_exceeded", 429, QUOTA, Some("project_spend_limit_exceeded"), None, "The project reached its monthly spend limit."),
    Row("organization_usage_limit_exceeded", 429, QUOTA, Some("organization_usage_limit_exceeded"), None,
        "The organization reached its assigned usage limit."),
    Row("insufficient_quota", 429, QUOTA, Some("insufficient_quota"), None,
        "You exceeded your current quota, please check your plan and billing details."),
    Row("server_error", 500, "server_error", None, None, "The server had an error while processing your request. Sorry about that!"),
    Row("server_is_overloaded", 503, "service_unavailable_error", Some("server_is_overloaded"), Some("2"),
        "Our servers are currently overloaded. Please try again later."),
];

#[rustfmt::skip]
const ANTHROPIC: &[Row] = &[
    Row("invalid_request", 400, INVALID, None, None, "messages: Field required"),
    Row("own_spend_limit", 400, INVALID, None, None, "You have reached your specified API usage limits."),
    Row("organization_on_hold", 400, INVALID, Some("organization_on_hold"), None, "This organization has been disabled."),
    Row("authentication_error", 401, "authentication_error", None, None, "invalid x-api-key"),
    Row("billing_error", 402, "billing_error", None, None, "Your credit balance is too low to access the API."),
    Row("linked_organization", 402, "billing_error", Some("linked_organization_suspended"), None, "The linked organization cannot be billed."),
    Row("permission_error", 403, "permission_error", None, None, "Your API key does not have permission to use the specified resource."),
    Row("not_found_error", 404, "not_found_error", None, None, "model: claude-nonexistent"),
    Row("conflict_error", 409, "conflict_error", None, None, "The resource was changed by another request."),
    Row("request_too_large", 413, "request_too_large", None, None, "Request exceeds the maximum size"),
    Row("request_too_large_at_the_edge", 413, "request_too_large", None, None, "413 Request Entity Too Large"),
    Row("rate_limit_error", 429, "rate_limit_error", None, Some("3"),
        "This request would exceed the rate limit for your organization of 50 requests per minute."),
    Row("ramp_limit_exceeded", 429, "rate_limit_error", Some("ramp_limit_exceeded"), Some("3"), "Usage is growing too fast."),
    Row("enforced_spend_limit_reached", 429, "rate_limit_error", Some("enforced_spend_limit_reached"), None,
        "The monthly usage threshold of the tier has been crossed."),
    Row("contract_spend_limit_reached", 429, "rate_limit_error", Some("contract_spend_limit_reached"), None,
        "The contract spend limit has been reached."),
    Row("api_error", 500, "api_error", None, None, "Internal server error"),
    Row("timeout_error", 504, "timeout_error", None, None, "Request timed out"),
    Row("overloaded_error", 529, "overloaded_error", None, None, "Overloaded"),
];
