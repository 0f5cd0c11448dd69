//! `cargo local demo`: the story, unattended.

use std::process::ExitCode;

use serde::Serialize;
use sim::clock::Clock;
use stack::demo::{News, Story, furnish, tell};
use stack::{Options, Stack};

use crate::doors::{complain, say};
use crate::{Demo, receipt};

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    passed: bool,
    members: usize,
    #[serde(flatten)]
    story: &'a Story,
}

/// Tells it; fails if anything is not as it should be.
pub(crate) async fn run(demo: &Demo) -> Result<ExitCode, String> {
    let sides = demo.real.sides();
    let mut options = Options { whop_url: demo.real.whop_url.clone(), ..Options::default() };
    if !sides.are_stand_ins() {
        options.clock = Clock::system();
    }
    let stack = Stack::with(options).await;
    let scene = furnish(&stack, &sides, demo.members);
    let quiet = demo.json;
    if !quiet {
        say(opening(sides.are_stand_ins()));
    }
    let mut hear = |news: &News<'_>| {
        let text = match news {
            News::Connected(it) => receipt::connected(it),
            News::Run(it) => receipt::run(it),
            News::Burst(it) => receipt::burst(*it),
        };
        if !quiet {
            say(&text);
        }
    };
    let story = tell(&stack, &scene, &mut hear).await?;
    conclude(demo, &story)
}

fn opening(stand_ins: bool) -> &'static str {
    if stand_ins {
        "Both sides are stand-ins in this process. Their clock is moved where one would wait, so the seconds below \
         are those that Twenty's limit on calls makes one wait.\n"
    } else {
        "A real server takes part, so this takes as long as it takes.\n"
    }
}

fn conclude(demo: &Demo, story: &Story) -> Result<ExitCode, String> {
    let passed = story.faults.is_empty();
    if demo.json {
        let report = Report { passed, members: demo.members, story };
        say(&serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?);
    } else {
        say(&receipt::totals(&story.totals));
        say(if passed { "Everything balances." } else { "This is not as it should be:" });
    }
    for fault in &story.faults {
        complain(fault);
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
