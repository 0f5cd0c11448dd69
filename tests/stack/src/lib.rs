//! The whole product in one process: the shipped functions and clients, with stand-ins for AWS, Whop and Twenty
//! at the far end of the wire. Tests and the local runner start the same thing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::match_wildcard_for_single_variants,
    clippy::wildcard_enum_match_arm,
    reason = "a stack that cannot be built must stop the test that uses it"
)]

pub mod canary;
pub mod demo;
pub mod fixtures;
pub mod gateway;
mod last_word;
pub mod logs;
pub mod pump;
pub mod table;
pub mod visitor;

use std::collections::HashMap;
use std::sync::Arc;

use shared::domain::insight::policy::Pace;
use shared::job::Line;
use shared::{App, Clock, Config};
use sim::ai::{Ai, Provider};
use sim::aws::sqs::QueueSettings;
use sim::aws::{Aws, Ports};
use sim::clock;
use sim::esign::Esign;
use sim::fault::Faults;
use sim::serve::Served;
use sim::twenty::Twenty;
use sim::whop::Whop;

pub use self::gateway::{Answer, Ask};
pub use self::visitor::Visitor;

/// The queue of all sync work, and its dead-letter queue.
pub const SYNC: &str = "sync.fifo";
pub const DEAD: &str = "sync-dead.fifo";
/// The queue of what language models are asked for, and its dead-letter queue.
pub const AI: &str = "ai.fifo";
pub const AI_DEAD: &str = "ai-dead.fifo";
/// The queue of what e-signature providers are asked for and tell, and its dead-letter queue.
pub const CONTRACT: &str = "contract.fifo";
pub const CONTRACT_DEAD: &str = "contract-dead.fifo";
/// The bucket that contract files are kept in.
pub const FILES: &str = "contract-files";
/// Where a stepped clock begins: 2026-11-23T08:00:00Z.
pub const MORNING_MS: i64 = 1_795_420_800_000;

/// A secret that must never be seen anywhere but sealed; its marker is part of every secret of the stack.
pub const CANARY: &str = "c4n4ry";

/// Where things listen; 0 takes any free port.
#[derive(Clone, Copy, Debug, Default)]
pub struct Addresses {
    pub gateway: u16,
    pub aws: u16,
    pub whop: u16,
    pub twenty: u16,
    pub ai: u16,
    pub esign: u16,
}

/// How the stack is to be built.
#[derive(Clone, Debug)]
pub struct Options {
    pub clock: clock::Clock,
    pub addresses: Addresses,
    /// Real Whop, or another stand-in, in place of ours. It knows no app of ours, so only keys connect there.
    pub whop_url: Option<String>,
    /// Twenty's calls a minute that we believe in at first.
    pub calls_per_minute: u32,
    /// Real language models in place of the stand-ins.
    pub models: Option<RealModels>,
    /// How long a request for an insight may take.
    pub pace: Pace,
    /// Settings over the usual ones, by the names of their variables.
    pub vars: HashMap<&'static str, String>,
}

/// Real providers of language models, or servers that are compatible with them.
#[derive(Clone, Default)]
pub struct RealModels {
    /// The keys of `OpenAI` and Anthropic; one without a key is not asked.
    pub openai_key: Option<String>,
    pub anthropic_key: Option<String>,
    /// Variables of [`MODEL_VARIABLES`], with their values.
    pub variables: Vec<(&'static str, String)>,
}

/// What can be said about language models from outside, keys apart.
pub const MODEL_VARIABLES: [&str; 11] = [
    "AI_MODELS",
    "AI_PROVIDER",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_MODEL",
    "OPENAI_AUTH",
    "OPENAI_BASE_URL",
    "OPENAI_MAX_TOKENS_FIELD",
    "OPENAI_MODEL",
    "OPENAI_PRICE_PERCENT",
    "OPENAI_SUPPORTS",
    "OPENAI_WIRE",
];

impl std::fmt::Debug for RealModels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RealModels").field("variables", &self.variables).finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: clock::Clock::stepped(MORNING_MS),
            addresses: Addresses::default(),
            whop_url: None,
            calls_per_minute: 100,
            models: None,
            pace: Pace::default(),
            vars: HashMap::new(),
        }
    }
}

/// Everything, running.
pub struct Stack {
    pub app: &'static App,
    pub clock: clock::Clock,
    pub faults: Faults,
    pub aws: Aws,
    pub whop: Whop,
    pub twenty: Twenty,
    pub ai: Ai,
    pub esign: Esign,
    /// The address browsers and Whop use.
    pub url: String,
    served: Served,
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stack").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Stack {
    /// A stack for a story: stepped time, any ports.
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// A stack as wanted.
    pub async fn with(options: Options) -> Self {
        logs::capture();
        let (clock, faults, at) = (options.clock.clone(), Faults::default(), options.addresses);
        let next = |offset| if at.aws == 0 { 0 } else { at.aws + offset };
        let ports = Ports { dynamodb: next(0), sqs: next(1), secrets: next(2), s3: next(3) };
        let aws = Aws::start(&clock, &faults, ports).await;
        let whop = Whop::start(clock.clone(), &faults, at.whop).await;
        let twenty = Twenty::start(clock.clone(), &faults, at.twenty).await;
        let ai = Ai::start(clock.clone(), &faults, at.ai).await;
        let esign = Esign::start(clock.clone(), &faults, at.esign).await;
        table::create(&aws.dynamodb.url()).await;
        let queues = queues(&aws);
        let (listener, url) = gateway::bind(at.gateway).await;
        let callback = format!("{url}/oauth/whop/callback");
        let whop_app = whop.register_app(&[&callback]);
        aws.s3.create_bucket(FILES);
        aws.s3.admit(ACCESS_KEY, &aws_secret(), None);
        aws.secrets.put("seal-keys", &format!(r#"{{"1":"{CANARY}-seal-key-of-at-least-32-characters"}}"#));
        aws.secrets.put("session-key", &format!("{CANARY}-session-key-of-at-least-32-characters"));
        aws.secrets.put("whop-client-secret", &whop_app.client_secret);
        let mut vars = environment(&options, &aws, &url, &queues);
        models(options.models.as_ref(), &ai, &aws, &mut vars);
        vars.extend(signatures(&esign));
        vars.insert("WHOP_URL", options.whop_url.clone().unwrap_or_else(|| whop.url()));
        if options.whop_url.is_none() {
            vars.insert("WHOP_CLIENT_ID", whop_app.client_id.clone());
        }
        vars.extend(options.vars);
        let mut config = Config::from_vars(|name| vars.get(name).cloned()).expect("a complete environment");
        config.ai.pace = options.pace;
        let time = clock.cell().map_or(Clock::System, Clock::Stepped);
        let app = App::forever(config, time).expect("usable settings");
        let served = gateway::serve(app, listener);
        Self { app, clock, faults, aws, whop, twenty, ai, esign, url, served }
    }

    /// The environment that the release binaries need to run against this stack.
    pub fn environment(&self) -> HashMap<String, String> {
        let config = self.app.config();
        let aws = &config.aws;
        let pairs = [
            ("STAGE", config.stage.clone()),
            ("TABLE_NAME", config.table.clone()),
            ("SYNC_QUEUE_URL", config.sync_queue.jobs.clone()),
            ("SYNC_DEAD_LETTER_URL", config.sync_queue.dead_letters.clone()),
            ("AI_QUEUE_URL", config.ai_queue.jobs.clone()),
            ("AI_DEAD_LETTER_URL", config.ai_queue.dead_letters.clone()),
            ("CONTRACT_QUEUE_URL", config.contract_queue.jobs.clone()),
            ("CONTRACT_DEAD_LETTER_URL", config.contract_queue.dead_letters.clone()),
            ("DOCUSIGN_SANDBOX_URL", config.esign.docusign_sandbox_url.to_string()),
            ("DOCUSIGN_URL", config.esign.docusign_url.to_string()),
            ("DROPBOX_SIGN_URL", config.esign.dropbox_sign_url.to_string()),
            ("PANDADOC_URL", config.esign.pandadoc_url.to_string()),
            ("FILES_BUCKET", config.files_bucket.clone()),
            ("OPENAI_API_KEY_SECRET", "openai-key".to_owned()),
            ("OPENAI_BASE_URL", self.ai.openai_url()),
            ("ANTHROPIC_API_KEY_SECRET", "anthropic-key".to_owned()),
            ("ANTHROPIC_BASE_URL", self.ai.anthropic_url()),
            ("SEAL_KEYS_SECRET", config.seal_keys_secret.clone()),
            ("SESSION_KEY_SECRET", config.session_key_secret.clone()),
            ("WHOP_CLIENT_ID", config.whop_client_id.clone().unwrap_or_default()),
            ("WHOP_CLIENT_SECRET_SECRET", config.whop_client_secret.clone().unwrap_or_default()),
            ("WHOP_URL", config.whop_url.to_string()),
            ("PUBLIC_URL", config.public_url.to_string()),
            ("ALLOW_PRIVATE_ADDRESSES", "true".to_owned()),
            ("AWS_REGION", aws.region.clone()),
            ("AWS_ACCESS_KEY_ID", aws.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", aws.secret_access_key.clone()),
            ("AWS_ENDPOINT_URL_DYNAMODB", aws.dynamodb_url.clone().unwrap_or_default()),
            ("AWS_ENDPOINT_URL_SQS", aws.sqs_url.clone().unwrap_or_default()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws.secrets_url.clone().unwrap_or_default()),
            ("AWS_ENDPOINT_URL_S3", aws.s3_url.clone().unwrap_or_default()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Moves a stepped clock.
    pub fn advance(&self, by: std::time::Duration) {
        self.clock.advance_ms(i64::try_from(by.as_millis()).unwrap());
    }

    /// A visitor with an empty cookie jar.
    pub fn visitor(&self) -> Visitor<'_> {
        Visitor::new(self)
    }

    /// True while the gateway listens.
    pub fn is_served(&self) -> bool {
        !self.served.url().is_empty()
    }
}

/// Who serves language models: the real ones that were given, or the stand-ins.
fn models(real: Option<&RealModels>, ai: &Ai, aws: &Aws, vars: &mut HashMap<&'static str, String>) {
    let stand_ins = RealModels {
        openai_key: Some(ai.key(Provider::OpenAi)),
        anthropic_key: Some(ai.key(Provider::Anthropic)),
        variables: vec![("OPENAI_BASE_URL", ai.openai_url()), ("ANTHROPIC_BASE_URL", ai.anthropic_url())],
    };
    let chosen = real.unwrap_or(&stand_ins);
    let given = [("openai-key", &chosen.openai_key), ("anthropic-key", &chosen.anthropic_key)];
    for (name, key) in given {
        aws.secrets.put(name, key.as_deref().unwrap_or("not-set"));
    }
    vars.extend(chosen.variables.iter().cloned());
}

/// Where the stand-ins of the e-signature providers are.
fn signatures(esign: &Esign) -> [(&'static str, String); 4] {
    let docusign = esign.docusign().url();
    [
        ("DOCUSIGN_SANDBOX_URL", docusign.clone()),
        ("DOCUSIGN_URL", docusign),
        ("DROPBOX_SIGN_URL", esign.dropbox_sign().url()),
        ("PANDADOC_URL", esign.pandadoc().url()),
    ]
}

struct Queues {
    sync: (String, String),
    ai: (String, String),
    contract: (String, String),
}

/// The queues of `template.yaml`, each with its dead-letter queue.
fn queues(aws: &Aws) -> Queues {
    let pair = |name: &str, dead: &str, visibility_seconds| {
        let settings = |visibility_seconds, max_receive_count, dead_letter| QueueSettings {
            fifo: true,
            visibility_seconds,
            max_receive_count,
            dead_letter,
        };
        let dead_url = aws.sqs.create_queue(dead, &settings(30, 1_000, None));
        let jobs = settings(visibility_seconds, 5, Some(dead.to_owned()));
        (aws.sqs.create_queue(name, &jobs), dead_url)
    };
    Queues {
        sync: pair(SYNC, DEAD, 360),
        ai: pair(AI, AI_DEAD, 720),
        contract: pair(CONTRACT, CONTRACT_DEAD, 720),
    }
}

/// A queue's name.
pub fn queue_of(line: Line) -> &'static str {
    match line {
        Line::Sync => SYNC,
        Line::Ai => AI,
        Line::Contract => CONTRACT,
    }
}

/// The one key that stand-ins of AWS know; only S3's looks at signatures.
const ACCESS_KEY: &str = "local";

fn aws_secret() -> String {
    format!("{CANARY}-aws-secret")
}

fn environment(options: &Options, aws: &Aws, url: &str, queues: &Queues) -> HashMap<&'static str, String> {
    HashMap::from([
        ("STAGE", "local".to_owned()),
        ("PUBLIC_URL", url.to_owned()),
        ("TABLE_NAME", table::NAME.to_owned()),
        ("SYNC_QUEUE_URL", queues.sync.0.clone()),
        ("SYNC_DEAD_LETTER_URL", queues.sync.1.clone()),
        ("AI_QUEUE_URL", queues.ai.0.clone()),
        ("AI_DEAD_LETTER_URL", queues.ai.1.clone()),
        ("CONTRACT_QUEUE_URL", queues.contract.0.clone()),
        ("CONTRACT_DEAD_LETTER_URL", queues.contract.1.clone()),
        ("FILES_BUCKET", FILES.to_owned()),
        ("OPENAI_API_KEY_SECRET", "openai-key".to_owned()),
        ("ANTHROPIC_API_KEY_SECRET", "anthropic-key".to_owned()),
        ("SEAL_KEYS_SECRET", "seal-keys".to_owned()),
        ("SESSION_KEY_SECRET", "session-key".to_owned()),
        ("WHOP_CLIENT_SECRET_SECRET", "whop-client-secret".to_owned()),
        ("TWENTY_CALLS_PER_MINUTE", options.calls_per_minute.to_string()),
        ("GRAPHQL_INTROSPECTION", "true".to_owned()),
        ("ALLOW_PRIVATE_ADDRESSES", "true".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", aws_secret()),
        ("AWS_ENDPOINT_URL_DYNAMODB", aws.dynamodb.url()),
        ("AWS_ENDPOINT_URL_SQS", aws.sqs.url()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws.secrets.url()),
        ("AWS_ENDPOINT_URL_S3", aws.s3.url()),
    ])
}

/// The pieces that a real-time runner keeps going in the background: each queue by itself, as at AWS.
pub fn run_forever(stack: &Arc<Stack>) {
    stack.ai.switch(|it| it.unjudged = true);
    for line in pump::LINES {
        tokio::spawn(pump_forever(stack.clone(), line));
    }
}

async fn pump_forever(stack: Arc<Stack>, line: Line) {
    loop {
        if pump::batch_on(&stack, line, pump::batch_size(line)).await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}
