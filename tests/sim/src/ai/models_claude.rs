//! The models of Anthropic, and the settings each refuses.

use serde_json::{Map, Value, json};

use super::Failure;
use super::models::lives;

/// One model; the name is what a request calls it.
pub(super) struct Claude {
    pub(super) name: &'static str,
    display: &'static str,
    line: &'static str,
    created: &'static str,
    /// The values of `thinking.type` it takes.
    thinking: &'static [&'static str],
    /// True if it thinks when nothing is said about it.
    pub(super) thinks: bool,
    /// Empty if it knows no effort.
    pub(super) default_effort: &'static str,
    forced_tool: bool,
    /// True if it still samples as it is told to, under the API version of 2023.
    samples: bool,
    pub(super) window: u64,
    longest: u64,
    ends_on: Option<&'static str>,
}

const UNKNOWN: &str = "1970-01-01T00:00:00Z";

/// What the 5.x models have in common.
const FIVE: Claude = Claude {
    name: "",
    display: "",
    line: "",
    created: UNKNOWN,
    thinking: &["adaptive"],
    thinks: true,
    default_effort: "high",
    forced_tool: false,
    samples: false,
    window: 1_000_000,
    longest: 128_000,
    ends_on: None,
};

/// What the 4.x models that know an effort have in common.
const FOUR: Claude =
    Claude { thinking: &["adaptive", "disabled", "enabled"], thinks: false, forced_tool: true, ..FIVE };

/// What the 4.5 models have in common.
const OLD: Claude = Claude {
    thinking: &["disabled", "enabled"],
    default_effort: "",
    samples: true,
    window: 200_000,
    longest: 64_000,
    ..FOUR
};

pub(super) const TABLE: &[Claude] = &[
    Claude {
        name: "claude-haiku-5-5",
        display: "Claude Haiku 5.5",
        line: "haiku",
        created: "2026-10-07T00:00:00Z",
        thinking: &["adaptive", "disabled"],
        default_effort: "medium",
        forced_tool: true,
        ..FIVE
    },
    Claude {
        name: "claude-sonnet-5-5",
        display: "Claude Sonnet 5.5",
        line: "sonnet",
        created: "2026-09-28T00:00:00Z",
        thinking: &["adaptive", "between_tools"],
        ..FIVE
    },
    Claude {
        name: "claude-opus-5-5",
        display: "Claude Opus 5.5",
        line: "opus",
        created: "2026-09-22T00:00:00Z",
        default_effort: "medium",
        ..FIVE
    },
    Claude { name: "claude-fable-5-1", display: "Claude Fable 5.1", line: "fable", ..FIVE },
    Claude { name: "claude-fable-5-2", display: "Claude Fable 5.2", line: "fable", ..FIVE },
    Claude { name: "claude-opus-4-8", display: "Claude Opus 4.8", line: "opus", ..FOUR },
    Claude { name: "claude-sonnet-4-6", display: "Claude Sonnet 4.6", line: "sonnet", samples: true, ..FOUR },
    Claude { name: "claude-haiku-4-5", display: "Claude Haiku 4.5", line: "haiku", ..OLD },
    Claude {
        name: "claude-sonnet-4-5",
        display: "Claude Sonnet 4.5",
        line: "sonnet",
        ends_on: Some("2026-11-30"),
        ..OLD
    },
];

/// What another server serves on this wire: it takes everything.
const OTHER: Claude = Claude {
    name: "other",
    display: "Other",
    line: "haiku",
    thinking: &["adaptive", "between_tools", "disabled", "enabled"],
    samples: true,
    ..FOUR
};

/// The model of this name, if it lives at `now`; `more` are names a test has added.
pub(super) fn claude(name: &str, more: &[String], now: &str) -> Result<&'static Claude, Failure> {
    if more.iter().any(|other| other == name) {
        return Ok(&OTHER);
    }
    let found = TABLE.iter().find(|claude| claude.name == name && lives(claude.ends_on, now));
    found.ok_or_else(|| Failure::anthropic("not_found_error").saying(format!("model: {name}")))
}

fn refused(message: impl Into<String>) -> Failure {
    Failure::anthropic("invalid_request").saying(message)
}

impl Claude {
    /// Says no to what this model does not take. `version` is the API version of the request.
    pub(super) fn accept(&self, body: &Value, version: &str) -> Result<(), Failure> {
        for sampling in ["temperature", "top_p", "top_k"] {
            let taken = self.samples && version == "2023-06-01";
            if !taken && !body[sampling].is_null() {
                return Err(refused(format!("{sampling}: `{sampling}` is not supported by this model")));
            }
        }
        let effort = body["output_config"]["effort"].as_str();
        if effort.is_some() && self.default_effort.is_empty() {
            return Err(refused("output_config.effort: effort is not supported by this model"));
        }
        let thinking = body["thinking"]["type"].as_str();
        if let Some(kind) = thinking.filter(|kind| !self.thinking.contains(kind)) {
            return Err(refused(format!("thinking.type: \"{kind}\" is not supported by this model")));
        }
        let effort = effort.unwrap_or(self.default_effort);
        if thinking == Some("disabled") && ["xhigh", "max"].contains(&effort) {
            let message = format!("thinking.type: \"disabled\" is not supported with effort \"{effort}\"");
            return Err(refused(message));
        }
        let forced = ["any", "tool"].contains(&body["tool_choice"]["type"].as_str().unwrap_or_default());
        if forced && !self.forced_tool {
            return Err(refused("tool_choice: forced tool use is not supported by this model"));
        }
        match body["max_tokens"].as_u64().filter(|limit| *limit > self.longest) {
            Some(limit) => {
                let longest = self.longest;
                Err(refused(format!("max_tokens: {limit} > {longest}, which is the maximum allowed number")))
            }
            None => Ok(()),
        }
    }

    /// The effort it thinks with; `none` if it does not think.
    pub(super) fn effort<'a>(&self, body: &'a Value) -> &'a str
    where
        Self: 'a,
    {
        let on = match body["thinking"]["type"].as_str() {
            None => self.thinks,
            Some(kind) => ["adaptive", "enabled"].contains(&kind),
        };
        match (on, body["output_config"]["effort"].as_str()) {
            (false, _) => "none",
            (true, Some(effort)) => effort,
            (true, None) if self.default_effort.is_empty() => "medium",
            (true, None) => self.default_effort,
        }
    }

    pub(super) fn shown(&self) -> Value {
        let may = |yes: bool| json!({"supported": yes});
        let levels = ["low", "medium", "high", "xhigh", "max"];
        let mut effort: Map<String, Value> =
            levels.iter().map(|level| ((*level).to_owned(), may(!self.default_effort.is_empty()))).collect();
        effort.insert("supported".to_owned(), json!(!self.default_effort.is_empty()));
        let kinds = ["adaptive", "between_tools", "disabled", "enabled"];
        let types: Map<String, Value> =
            kinds.iter().map(|kind| ((*kind).to_owned(), may(self.thinking.contains(kind)))).collect();
        json!({
            "id": self.name, "type": "model", "display_name": self.display, "created_at": self.created,
            "lifecycle": if self.ends_on.is_some() { "deprecated" } else { "active" },
            "deprecated_at": null,
            "retires_at": self.ends_on.map(|day| format!("{day}T00:00:00Z")),
            "line": self.line, "max_input_tokens": self.window, "max_tokens": self.longest,
            "capabilities": {
                "structured_outputs": may(true), "effort": effort,
                "thinking": {"supported": true, "types": types},
                "batch": may(true), "citations": may(true), "image_input": may(true), "pdf_input": may(true),
                "code_execution": may(true), "context_management": may(true), "server_tools": may(true),
            },
        })
    }
}
