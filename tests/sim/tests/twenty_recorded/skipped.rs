//! What is not asked again, and why. A pattern that ends in a dash means every exchange that begins so.

pub(super) const SKIPPED: [(&str, &str); 20] = [
    ("metadata-rest-list-fields-page", "its page of two shows fields of objects that are not kept here"),
    ("mcp-", "the connector does not speak MCP"),
    (
        "oauth-",
        "the connector signs in with an API key; the stand-in has no browser session and no OAuth tokens",
    ),
    ("transient-token-cannot-call-api", "a token of a signed-in user, which the stand-in never issues"),
    ("transient-token-cannot-query-metadata", "a token of a signed-in user, which the stand-in never issues"),
    ("transient-token-generate", "needs a signed-in user"),
    ("role-create", "needs a signed-in user; roles of keys are given in process"),
    (
        "graphql-deactivate-workflow-version",
        "needs a signed-in user; keys are refused, which another test shows",
    ),
    ("graphql-person-timeline", "timeline activities are not written; the object is there and stays empty"),
    ("workflow-activate-version", "needs a signed-in user"),
    ("workflow-create", "answered for a signed-in user; workflows are only read here"),
    ("workflow-http-request-delivered", "workflows are not run"),
    ("workflow-run-result", "workflows are not run"),
    ("workflow-set-webhook-trigger", "workflows are not run"),
    ("workflow-update-http-step", "workflows are not run"),
    ("workflow-webhook-trigger-call", "workflows are not run"),
    ("workflow-webhook-trigger-unknown", "workflows are not run"),
    ("webhook-delivered-metadata-fieldMetadata-created", "the connector does not subscribe to metadata"),
    ("webhook-delivered-metadata-fieldMetadata-deleted", "the connector does not subscribe to metadata"),
    ("webhook-delivered-metadata-viewField-created", "the connector does not subscribe to metadata"),
];
