//! `cargo local`: everything running, for people to try.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use shared::job::Line;
use sim::clock::Clock;
use sim::esign::Template;
use stack::demo::{Scene, Sides, connect_twenty, connect_whop, furnish};
use stack::{Options, Stack, pump, run_forever};
use tokio::time::{Instant, interval_at, sleep};

use crate::Serve;
use crate::doors::{fixed, real_models, real_signatures, say};

/// As in `template.yaml`.
const INCREMENTAL_EVERY: Duration = Duration::from_mins(15);
const FULL_EVERY: Duration = Duration::from_hours(24);
const LOOK_AFTER_EVERY: Duration = Duration::from_mins(15);
/// The stand-ins count their calls for tests; here nobody asks.
const FORGET_EVERY: Duration = Duration::from_mins(1);

/// Runs until Ctrl-C.
pub(crate) async fn run(serve: &Serve) -> Result<ExitCode, String> {
    let addresses = fixed(serve.port_base)?;
    shared::lambda::telemetry::start(&serve.log_level, std::io::stderr);
    let sides = serve.real.sides();
    let whop_url = serve.real.whop_url.clone();
    let (models, vars) = (real_models(), real_signatures());
    let real: Vec<&str> = vars.keys().copied().collect();
    let options = Options { clock: Clock::system(), addresses, whop_url, models, vars, ..Options::default() };
    let has_stand_in_models = options.models.is_none();
    let stack = Arc::new(Stack::with(options).await);
    let scene = furnish(&stack, &sides, serve.members);
    let connected = connect(&stack, &sides, &scene).await?;
    run_forever(&stack);
    schedule(&stack);
    say(&guide(&stack, &scene, serve.members));
    say(&contracts_guide(&stack, &scene, &real));
    say(&models_guide(&stack, has_stand_in_models));
    for line in connected {
        say(&line);
    }
    tokio::signal::ctrl_c().await.map_err(|error| format!("Ctrl-C cannot be waited for: {error}."))?;
    say("\nStopped. Nothing is kept.");
    Ok(ExitCode::SUCCESS)
}

/// Everything that happens by itself, as the schedules of `template.yaml` say.
fn schedule(stack: &Arc<Stack>) {
    tokio::spawn(every(INCREMENTAL_EVERY, stack.clone(), |stack| pump::schedule(stack, "incremental")));
    tokio::spawn(every(FULL_EVERY, stack.clone(), |stack| pump::schedule(stack, "full")));
    tokio::spawn(every(FULL_EVERY, stack.clone(), |stack| {
        pump::fire(stack, Line::Ai, &json!({ "job": "score_due" }));
    }));
    tokio::spawn(every(LOOK_AFTER_EVERY, stack.clone(), |stack| {
        pump::fire(stack, Line::Contract, &json!({ "job": "look_after" }));
    }));
    tokio::spawn(every(FORGET_EVERY, stack.clone(), |stack| stack.faults.forget_calls()));
}

/// Connects the real sides, whose keys we were given; stand-ins are left for the user to connect.
async fn connect(stack: &Stack, sides: &Sides, scene: &Scene) -> Result<Vec<String>, String> {
    let mut admin = stack.visitor();
    let mut lines = Vec::new();
    if !sides.are_stand_ins() {
        let workspace = connect_twenty(&mut admin, &scene.twenty).await?;
        lines.push(format!("Twenty is connected: {workspace}. Its key signs you in on the settings page."));
    }
    if let Some(key) = &sides.whop_key {
        lines.push(format!("Whop is connected: {}.", connect_whop(&mut admin, key).await?));
    }
    Ok(lines)
}

async fn every(time: Duration, stack: Arc<Stack>, act: impl Fn(&Stack)) {
    let mut ticks = interval_at(Instant::now() + time, time);
    loop {
        ticks.tick().await;
        act(&stack);
        sleep(Duration::from_millis(1)).await;
    }
}

fn guide(stack: &Stack, scene: &Scene, members: usize) -> String {
    let (url, whop, twenty) = (&stack.url, stack.whop.url(), stack.twenty.url());
    let mut lines = vec![
        "Everything runs on this machine, in memory. Ctrl-C stops it.\n".to_owned(),
        format!("  Settings page    {url}/"),
        format!("  GraphQL          {url}/graphql"),
    ];
    if scene.account.is_some() {
        lines.push(format!(
            "  Whop console     {whop}/console      {members} members; buy, refund, cancel here"
        ));
    }
    if scene.workspace.is_some() {
        lines.push(format!("  Twenty console   {twenty}/console      what has arrived"));
    }
    lines.push(String::new());
    lines.push(format!("1. Open {url}/ and connect Twenty:"));
    lines.push(format!("     server   {}", scene.twenty.url));
    lines.push(match scene.workspace {
        Some(_) => format!("     API key  copy it from {twenty}/console/key"),
        None => "     API key  the one you started this with".to_owned(),
    });
    if scene.account.is_some() {
        lines.push("2. Connect Whop, with this account API key to get news within seconds:".to_owned());
        lines.push(format!("     {}", scene.whop_key));
        lines.push("   or with \"Continue to Whop\", which gets news every 15 minutes.".to_owned());
        lines.push(format!("3. Sync now. Then buy a membership at {whop}/console and watch it arrive."));
    } else {
        lines.push("2. Sync now.".to_owned());
    }
    lines.join("\n")
}

/// What to do to see a contract signed. Each stand-in has a template from the start.
fn contracts_guide(stack: &Stack, scene: &Scene, real: &[&str]) -> String {
    let (url, esign) = (&stack.url, stack.esign.url());
    let agreement = || Template::new("Coaching agreement", &["Client"], &["Amount"]);
    let template = stack.esign.dropbox_sign().template(agreement());
    stack.esign.docusign().template(agreement());
    stack.esign.pandadoc().template(agreement());
    let step = if scene.account.is_some() { 4 } else { 3 };
    let header = "-H 'content-type: application/json' -H \"authorization: Bearer $TOKEN\"";
    let body = format!(
        "{{\"title\":\"Coaching\",\"templateId\":\"{template}\",\"signerRole\":\"Client\",\
         \"signerName\":\"Ada Client\",\"signerEmail\":\"ada@client.example\",\"idempotencyKey\":\"coaching-1\"}}"
    );
    let others = if real.is_empty() {
        String::new()
    } else {
        format!(
            "  Real providers   {}; their webhooks do not get here, so news takes 15 minutes\n",
            real.join(", ")
        )
    };
    format!(
        "{step}. Contracts: add Dropbox Sign (sandbox) on the settings page, with the key from {esign}/console/keys.\n   \
         Save the webhook address that the settings page then shows on that page of keys. DocuSign and PandaDoc are \
         there, too.\n   Make an API token on the settings page, send a contract, and sign it at {esign}/console:\n  \
         curl {url}/contracts {header} \\\n    -d '{body}'\n\n  \
         E-sign console   {esign}/console      view, sign, decline, let expire\n{others}"
    )
}

fn models_guide(stack: &Stack, stand_ins: bool) -> String {
    let (url, ai) = (&stack.url, stack.ai.url());
    let who = if stand_ins {
        format!("  AI console       {ai}/console      what the stand-ins for OpenAI and Anthropic were asked")
    } else {
        "  AI               the real providers that the environment names".to_owned()
    };
    let header = "-H 'content-type: application/json' -H \"authorization: Bearer $TOKEN\"";
    format!(
        "{who}\nFor AI operations, make an API token on the settings page, then:\n  curl {url}/ai/analyze-sentiment \
         {header} -d '{{\"text\":\"The course is wonderful!\"}}'\n"
    )
}
