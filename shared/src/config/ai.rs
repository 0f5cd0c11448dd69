//! Who serves language models, by the environment. Keys are named here and read elsewhere.

use url::{Host, Url};

use super::Vars;
use crate::ai::models::{Models, Supports};
use crate::ai::{Auth, LimitField, Wire};
use crate::domain::insight::policy::Pace;
use crate::domain::insight::request::ProviderName;

/// Everything about language models.
#[derive(Clone, Debug)]
pub struct AiConfig {
    /// Whom to ask, the first one first. One without a key is never asked.
    pub providers: Vec<(ProviderName, ProviderConfig)>,
    /// The deployer's own table of models, JSON in the form of `models.json`, over ours.
    pub models: Option<String>,
    /// How long things may take.
    pub pace: Pace,
}

/// One provider, or a server that is compatible with it.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    pub base_url: Url,
    /// Name or ARN of the secret with its key.
    pub key_secret: Option<String>,
    pub wire: Wire,
    pub auth: Auth,
    /// The model unless a workspace or caller names another.
    pub model: String,
    pub limit_field: LimitField,
    /// What a compatible server takes, in place of what the table says.
    pub supports: Option<Supports>,
    /// What this address costs of a hundred: 110 for regional processing.
    pub price_percent: u32,
}

impl AiConfig {
    pub(super) fn from(vars: &mut Vars<'_>) -> Self {
        let mut providers = Vec::new();
        let openai = Defaults {
            prefix: "OPENAI",
            url: "https://api.openai.com/v1",
            wire: "openai_responses",
            auth: "bearer",
            model: "gpt-6-luna",
        };
        let anthropic = Defaults {
            prefix: "ANTHROPIC",
            url: "https://api.anthropic.com",
            wire: "anthropic_messages",
            auth: "x-api-key",
            model: "claude-haiku-5-5",
        };
        for (name, defaults) in [(ProviderName::OpenAi, openai), (ProviderName::Anthropic, anthropic)] {
            providers.extend(provider(vars, &defaults).map(|config| (name, config)));
        }
        match vars.may("AI_PROVIDER").as_deref() {
            None | Some("openai") => {}
            Some("anthropic") => providers.reverse(),
            Some(_) => vars.mistakes.push("AI_PROVIDER must be openai or anthropic".to_owned()),
        }
        let models = vars.may("AI_MODELS");
        if models.is_some() && Models::with(models.as_deref()).is_err() {
            vars.mistakes.push("AI_MODELS is not a table of models".to_owned());
        }
        Self { providers, models, pace: Pace::default() }
    }
}

struct Defaults {
    prefix: &'static str,
    url: &'static str,
    wire: &'static str,
    auth: &'static str,
    model: &'static str,
}

/// Nothing without a key's name, unless no key is needed.
fn provider(vars: &mut Vars<'_>, defaults: &Defaults) -> Option<ProviderConfig> {
    let name = |rest: &str| format!("{}_{rest}", defaults.prefix);
    let key_secret = vars.may(&name("API_KEY_SECRET"));
    let auth = auth(vars, &name("AUTH"), defaults.auth);
    if key_secret.is_none() && auth != Auth::None {
        return None;
    }
    let base_url = vars.url(&name("BASE_URL"), Some(defaults.url));
    if !is_fit_for_keys(&base_url, vars) {
        vars.mistakes
            .push(format!("{} must begin with https://; http only on this machine", name("BASE_URL")));
    }
    Some(ProviderConfig {
        base_url,
        key_secret,
        wire: wire(vars, &name("WIRE"), defaults.wire),
        auth,
        model: vars.or(&name("MODEL"), defaults.model),
        limit_field: limit_field(vars, &name("MAX_TOKENS_FIELD")),
        supports: supports(vars, &name("SUPPORTS")),
        price_percent: vars.number(&name("PRICE_PERCENT"), 100),
    })
}

/// A key goes out in the clear on this machine only, and only where private addresses may be called at all.
fn is_fit_for_keys(url: &Url, vars: &mut Vars<'_>) -> bool {
    let local = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || (local && vars.flag("ALLOW_PRIVATE_ADDRESSES"))
}

fn wire(vars: &mut Vars<'_>, name: &str, default: &str) -> Wire {
    match vars.or(name, default).as_str() {
        "openai_responses" => Wire::OpenAiResponses,
        "openai_chat" => Wire::OpenAiChat,
        "anthropic_messages" => Wire::AnthropicMessages,
        _ => {
            vars.mistakes.push(format!("{name} must be openai_responses, openai_chat or anthropic_messages"));
            Wire::OpenAiResponses
        }
    }
}

fn auth(vars: &mut Vars<'_>, name: &str, default: &str) -> Auth {
    match vars.or(name, default).as_str() {
        "bearer" => Auth::Bearer,
        "x-api-key" => Auth::XApiKey,
        "api-key" => Auth::ApiKey,
        "none" => Auth::None,
        _ => {
            vars.mistakes.push(format!("{name} must be bearer, x-api-key, api-key or none"));
            Auth::Bearer
        }
    }
}

fn limit_field(vars: &mut Vars<'_>, name: &str) -> LimitField {
    match vars.may(name).as_deref() {
        None | Some("max_completion_tokens") => LimitField::MaxCompletionTokens,
        Some("max_tokens") => LimitField::MaxTokens,
        Some(_) => {
            vars.mistakes.push(format!("{name} must be max_completion_tokens or max_tokens"));
            LimitField::MaxCompletionTokens
        }
    }
}

/// A list such as `temperature,json_schema`.
fn supports(vars: &mut Vars<'_>, name: &str) -> Option<Supports> {
    let list = vars.may(name)?;
    let mut supports = Supports::default();
    for word in list.split(',').map(str::trim) {
        match word {
            "temperature" => supports.temperature = true,
            "json_schema" => supports.json_schema = true,
            "effort" => supports.effort = true,
            "none" => {}
            _ => vars.mistakes.push(format!("{name} lists temperature, json_schema and effort, or none")),
        }
    }
    Some(supports)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (AiConfig, Vec<String>) {
        let var =
            |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let mut vars = Vars { var: &var, mistakes: Vec::new() };
        let config = AiConfig::from(&mut vars);
        (config, vars.mistakes)
    }

    #[test]
    fn without_a_key_nobody_is_asked() {
        let (config, mistakes) = read(&[]);

        assert!(config.providers.is_empty() && mistakes.is_empty());
    }

    #[test]
    fn a_compatible_server_on_this_machine_needs_no_key() {
        let local = [
            ("OPENAI_BASE_URL", "http://127.0.0.1:11434/v1"),
            ("OPENAI_AUTH", "none"),
            ("OPENAI_WIRE", "openai_chat"),
            ("OPENAI_MAX_TOKENS_FIELD", "max_tokens"),
            ("OPENAI_SUPPORTS", "temperature, json_schema"),
            ("ALLOW_PRIVATE_ADDRESSES", "true"),
        ];
        let (config, mistakes) = read(&local);
        assert_eq!(mistakes, Vec::<String>::new());
        assert_eq!(
            config.providers[0].1.supports,
            Some(Supports { temperature: true, json_schema: true, effort: false })
        );

        let (_, mistakes) = read(&local[..5]);
        assert_eq!(mistakes.len(), 1, "http without the allowance");
    }

    #[test]
    fn http_to_another_machine_is_a_mistake_even_where_private_addresses_are_allowed() {
        let (_, mistakes) = read(&[
            ("ANTHROPIC_API_KEY_SECRET", "name"),
            ("ANTHROPIC_BASE_URL", "http://10.0.0.7:8000"),
            ("ALLOW_PRIVATE_ADDRESSES", "true"),
            ("AI_PROVIDER", "mistral"),
            ("AI_MODELS", "{"),
        ]);

        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    }
}
