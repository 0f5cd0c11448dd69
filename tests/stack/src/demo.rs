//! The main story, from connecting both sides to a sweep that has nothing left to say. The local runner tells
//! it; a test does too.

mod burst;
mod totals;

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use sim::twenty::Workspace;
use sim::whop::Rights;

use crate::{Answer, Stack, Visitor};

pub use self::burst::Burst;
pub use self::totals::Totals;

/// Between two syncs, as the schedule has it. Only a stepped clock is moved by it.
const QUARTER: Duration = Duration::from_mins(15);
/// The stand-ins' history is the same each time.
const SEED: u64 = 7;

/// A server and the key to it.
#[derive(Clone, Debug)]
pub struct Server {
    pub url: String,
    pub key: String,
}

/// Which sides are real. What is absent is a stand-in.
#[derive(Clone, Debug, Default)]
pub struct Sides {
    pub twenty: Option<Server>,
    /// The key; the address is the stack's.
    pub whop_key: Option<String>,
}

impl Sides {
    /// True if nothing outside this process takes part, so that time may be stepped.
    pub fn are_stand_ins(&self) -> bool {
        self.twenty.is_none() && self.whop_key.is_none()
    }
}

/// The two sides as they stand before anybody connects them.
#[derive(Clone, Debug)]
pub struct Scene {
    pub twenty: Server,
    pub whop_key: String,
    /// The stand-in's workspace, if it is the stand-in.
    pub workspace: Option<Workspace>,
    /// The stand-in's account, if it is the stand-in.
    pub account: Option<String>,
}

/// One run of the story and its receipt.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    pub name: &'static str,
    pub run: Value,
}

/// What the connection is after connecting.
#[derive(Clone, Debug, Serialize)]
pub struct Connected {
    pub workspace: String,
    pub account: String,
    /// `WEBHOOK` or `POLLING`.
    pub live: String,
    pub live_advice: Option<String>,
    pub missing_permissions: Vec<String>,
}

/// One more thing that happened.
#[derive(Debug)]
pub enum News<'a> {
    Connected(&'a Connected),
    Run(&'a Told),
    /// Absent if there was nobody who could send it.
    Burst(Option<&'a Burst>),
}

/// The whole story.
#[derive(Clone, Debug, Serialize)]
pub struct Story {
    pub connected: Connected,
    pub runs: Vec<Told>,
    pub burst: Option<Burst>,
    pub totals: Totals,
    /// What should not have been; empty if all is well.
    pub faults: Vec<String>,
}

/// Fills the stand-ins that take part: a workspace, and an account with `members` members.
pub fn furnish(stack: &Stack, sides: &Sides, members: usize) -> Scene {
    let workspace = sides.twenty.is_none().then(|| {
        let workspace = stack.twenty.create_workspace("Harbor Lights");
        // Its administrator has read the README.
        stack.twenty.deactivate_workflow(&workspace);
        workspace
    });
    let account = sides.whop_key.is_none().then(|| {
        let account = stack.whop.create_account("Harbor Lights Coaching");
        stack.whop.seed(&account, members, SEED);
        account
    });
    let stand_in = |workspace: &Workspace| Server { url: stack.twenty.url(), key: workspace.api_key.clone() };
    let whop_key = account.as_ref().map(|account| stack.whop.account_api_key(account, Rights::All));
    Scene {
        twenty: sides.twenty.clone().or_else(|| workspace.as_ref().map(stand_in)).unwrap(),
        whop_key: sides.whop_key.clone().or(whop_key).unwrap(),
        workspace,
        account,
    }
}

/// Connects Twenty with its key.
pub async fn connect_twenty(visitor: &mut Visitor<'_>, twenty: &Server) -> Result<String, String> {
    let answer = visitor.connect_twenty(&twenty.url, &twenty.key).await;
    let workspace = accepted("Twenty was not connected", &answer)?["workspace"]["name"].clone();
    Ok(text(&workspace))
}

/// Connects Whop with a key.
pub async fn connect_whop(visitor: &mut Visitor<'_>, key: &str) -> Result<String, String> {
    let answer = visitor.connect_whop(key).await;
    let account = accepted("Whop was not connected", &answer)?["account"]["title"].clone();
    Ok(text(&account))
}

fn accepted(what: &str, answer: &Answer) -> Result<Value, String> {
    let body = answer.json();
    if answer.status == 200 { Ok(body) } else { Err(format!("{what}: {}", text(&body["message"]))) }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Tells the story on a stack whose stand-ins are furnished; `hear` hears of each thing as it happens.
pub async fn tell(stack: &Stack, scene: &Scene, hear: &mut dyn FnMut(&News<'_>)) -> Result<Story, String> {
    let mut admin = stack.visitor();
    let connected = connect(&mut admin, scene).await?;
    hear(&News::Connected(&connected));
    let mut runs = vec![run(&mut admin, "First sync", "FULL").await];
    hear(&News::Run(&runs[0]));
    let burst = match &scene.account {
        Some(account) => Some(burst::send(stack, account).await),
        None => None,
    };
    hear(&News::Burst(burst.as_ref()));
    for (name, kind) in [("Sweep of what is new", "INCREMENTAL"), ("Second full sweep", "FULL")] {
        if stack.clock.is_stepped() {
            stack.advance(QUARTER);
        }
        let told = run(&mut admin, name, kind).await;
        hear(&News::Run(&told));
        runs.push(told);
    }
    let totals = totals::count(stack, scene, &runs).await;
    let faults = faults(stack, scene, &runs, burst.as_ref());
    Ok(Story { connected, runs, burst, totals, faults })
}

async fn connect(admin: &mut Visitor<'_>, scene: &Scene) -> Result<Connected, String> {
    let workspace = connect_twenty(admin, &scene.twenty).await?;
    let account = connect_whop(admin, &scene.whop_key).await?;
    let query = "{ whopConnectionStatus { live liveAdvice missingPermissions } }";
    let status = admin.graphql(query, Value::Null).await["whopConnectionStatus"].clone();
    let missing = status["missingPermissions"].as_array().into_iter().flatten();
    Ok(Connected {
        workspace,
        account,
        live: text(&status["live"]),
        live_advice: status["liveAdvice"].as_str().map(str::to_owned),
        missing_permissions: missing.map(text).collect(),
    })
}

async fn run(admin: &mut Visitor<'_>, name: &'static str, kind: &str) -> Told {
    Told { name, run: admin.sync(kind).await }
}

/// Everything that should be otherwise, in words.
fn faults(stack: &Stack, scene: &Scene, runs: &[Told], burst: Option<&Burst>) -> Vec<String> {
    let mut faults = Vec::new();
    for Told { name, run } in runs {
        if run["state"] != "FINISHED" {
            faults.push(format!("{name} did not finish: {}", text(&run["reason"])));
        } else if run["balances"] != true {
            faults.push(format!("The receipt of {name} does not balance."));
        }
    }
    let written = runs.last().map_or(0, |last| sum(&last.run, "written"));
    if written > 0 {
        faults.push(format!("The second full sweep found {written} records to write; there should be none."));
    }
    if let Some(Burst { sent, accepted, .. }) = burst
        && sent != accepted
    {
        faults.push(format!("Of {sent} deliveries {accepted} were accepted."));
    }
    if let (Some(workspace), Some(account)) = (&scene.workspace, &scene.account) {
        let (people, members) = (stack.twenty.count(workspace, "people"), stack.whop.members(account).len());
        if people != members {
            faults.push(format!("Whop has {members} members and Twenty {people} people."));
        }
    }
    faults
}

/// One count over every stream of a run.
fn sum(run: &Value, count: &str) -> u64 {
    let streams = run["streams"].as_array().into_iter().flatten();
    streams.filter_map(|stream| stream[count].as_u64()).sum()
}
