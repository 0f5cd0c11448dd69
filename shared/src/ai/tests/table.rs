use super::*;
use crate::domain::insight::cost::NanoDollars;
use crate::domain::time::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(1_795_420_800_000);

fn cost(provider: ProviderName, model: &str, usage: &Usage) -> Option<u64> {
    let entry = models().entry(provider, model, None);
    entry.prices_at(NOW)?.cost(usage, 100).map(|NanoDollars(nano)| nano)
}

#[test]
fn cached_written_and_reasoning_tokens_cost_what_the_tables_say() {
    let openai = Usage {
        uncached: 1_000,
        cached: 2_000,
        written_30m: 400,
        written_12h: 80,
        output: 500,
        reasoning: 300,
        ..Usage::default()
    };
    // 100 + 20 + 50 + 20 + 250 millionths of a dollar.
    assert_eq!(cost(ProviderName::OpenAi, "gpt-6-luna", &openai), Some(440_000));
    let anthropic = Usage {
        uncached: 1_000,
        cached: 2_000,
        written_5m: 400,
        written_1h: 100,
        output: 500,
        reasoning: 300,
        ..Usage::default()
    };
    // 100 + 20 + 50 + 20 + 250.
    assert_eq!(cost(ProviderName::Anthropic, "claude-haiku-5-5", &anthropic), Some(440_000));
    // 2000 + 200 + 1000 + 400 + 5000.
    assert_eq!(cost(ProviderName::Anthropic, "claude-sonnet-5-5", &anthropic), Some(8_600_000));
}

#[test]
fn a_long_input_to_haiku_costs_five_times_as_much_output_included() {
    let at = |uncached| {
        cost(
            ProviderName::Anthropic,
            "claude-haiku-5-5",
            &Usage { uncached, output: 100, ..Usage::default() },
        )
    };

    assert_eq!(at(100_000), Some(10_000_000 + 50_000));
    assert_eq!(at(100_001), Some(50_000_500 + 250_000));
}

#[test]
fn what_nobody_told_us_has_no_cost() {
    let cached = Usage { cached: 1, output: 1, ..Usage::default() };

    assert_eq!(cost(ProviderName::OpenAi, "gpt-6.2-sol", &cached), None);
    assert_eq!(cost(ProviderName::OpenAi, "gpt-9", &Usage::default()), None);
    let unknown = models().entry(ProviderName::OpenAi, "gpt-9", None);
    assert_eq!(unknown.warnings(NOW), ["The price of gpt-9 is not known; its cost is not counted."]);
}

#[test]
fn the_deployers_table_wins_and_prices_have_their_days() {
    let own = r#"{"models": [{"provider": "openai", "model": "gpt-6-luna", "json_schema": true, "prices": [
        {"valid_from": "2026-11-23", "input": "2", "output": "4"},
        {"valid_from": "2026-11-24", "input": "9", "output": "9"},
        {"valid_from": "2026-10-01", "input": "1", "output": "3"}]}]}"#;
    let models = Models::with(Some(own)).unwrap();
    let entry = models.entry(ProviderName::OpenAi, "gpt-6-luna", None);
    let cost = |at| {
        entry.prices_at(at).unwrap().cost(&Usage { uncached: 1_000, ..Usage::default() }, 100).unwrap().0
    };

    assert_eq!(cost(NOW), 2_000_000);
    assert_eq!(cost(NOW - Duration::from_hours(24)), 1_000_000);
    assert_eq!(cost(NOW + Duration::from_hours(24)), 9_000_000);
    assert!(models.entry(ProviderName::Anthropic, "claude-haiku-5-5", None).known);
}

#[test]
fn a_model_that_ends_is_announced_thirty_days_ahead() {
    let entry = models().entry(ProviderName::OpenAi, "gpt-4o-mini", None);
    let on = |day: &str| entry.warnings(format!("{day}T00:00:00Z").parse().unwrap()).len();

    assert_eq!((on("2026-12-14"), on("2026-12-15")), (0, 1));
}

#[test]
fn every_default_is_in_the_table_with_a_price() {
    for (provider, model) in [
        (ProviderName::OpenAi, "gpt-6-luna"),
        (ProviderName::OpenAi, "gpt-6.1-terra"),
        (ProviderName::Anthropic, "claude-haiku-5-5"),
        (ProviderName::Anthropic, "claude-sonnet-5-5"),
    ] {
        assert!(models().entry(provider, model, None).prices_at(NOW).is_some(), "{model}");
    }
}
