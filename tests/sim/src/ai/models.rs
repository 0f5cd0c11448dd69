//! Which models there are, and what the table for each is asked.

pub(super) use super::models_claude::claude;
pub(super) use super::models_gpt::gpt;

/// True until `ends_on` (`2026-11-30`) has begun, at `now` (ISO 8601).
pub(super) fn lives(ends_on: Option<&str>, now: &str) -> bool {
    ends_on.is_none_or(|end| now < end)
}

/// The tokens a model thinks before it speaks; the same effort always costs the same.
pub(super) fn thinking_tokens(effort: &str) -> u64 {
    match effort {
        "none" => 0,
        "minimal" => 32,
        "low" => 64,
        "medium" => 192,
        "high" => 384,
        "xhigh" => 768,
        _ => 1_024,
    }
}
