//! The figures as tables for a terminal.

use crate::Report;
use crate::counts::Counted;
use crate::startup::Started;

pub(crate) fn tables(report: &Report) {
    startup(&report.startup);
    println!("\nCalls for a thousand, dollars for a million ({})", report.counts.prices);
    println!(
        "{:26}{:>7}{:>8}{:>10}{:>7}{:>8}{:>8}{:>8}{:>9}",
        "", "Whop", "Twenty", "DynamoDB", "SQS", "writes", "reads", "batches", "$"
    );
    counted("memberships, first sync", &report.counts.backfill);
    counted("deliveries, ten at a time", &report.counts.deliveries);
    counted("deliveries, one at a time", &report.counts.deliveries_alone);
    memory(report);
    scale(report);
    println!("\nLimits");
    for gate in &report.gates {
        let verdict = if gate.holds { "ok" } else { "BEYOND" };
        println!("{:60}{:>10.2} of {:>10.2}  {verdict}", gate.what, gate.figure, gate.at_most);
    }
}

fn startup(all: &[Started]) {
    println!("Start-up, median of {} starts; in brackets: times the bare function", all[0].starts);
    println!(
        "{:9}{:>16}{:>17}{:>12}{:>17}{:>16}{:>10}{:>16}",
        "", "ready ms", "first CPU ms", "answer ms", "warm CPU ms", "RSS MB", "peak MB", "binary MB"
    );
    for it in all {
        println!(
            "{:9}{:>9.2} ({:4.1}){:>10.2} ({:4.1}){:>12.2}{:>10.3} ({:4.1}){:>9.1} ({:4.1}){:>10.1}{:>9.1} ({:4.1})",
            it.name,
            it.ready_ms,
            it.ratio.ready,
            it.first_cpu_ms,
            it.ratio.first_cpu,
            it.first_answer_ms,
            it.warm_cpu_ms,
            it.ratio.warm_cpu,
            it.rss_mb,
            it.ratio.rss,
            it.peak_rss_mb,
            it.binary_mb,
            it.ratio.binary
        );
    }
}

fn counted(name: &str, it: &Counted) {
    let thousand = |count: u64| (count * 1_000).div_ceil(it.records.max(1));
    let calls = &it.calls;
    println!(
        "{name:26}{:>7}{:>8}{:>10}{:>7}{:>8}{:>8}{:>8}{:>9.2}",
        thousand(calls.whop),
        thousand(calls.twenty),
        thousand(calls.dynamodb),
        thousand(calls.sqs + calls.sqs_poller),
        thousand(calls.half_writes.div_ceil(2)),
        thousand(calls.half_reads.div_ceil(2)),
        thousand(calls.batches),
        it.dollars_per_million.sum
    );
}

fn memory(report: &Report) {
    let it = &report.memory;
    println!("\nMemory of the sync process, a first sync of {} members, {} records", it.members, it.records);
    println!(
        "after the first of {} pages {} kB, in the third quarter {} kB, in the last {} kB, at most {} kB",
        it.pages, it.first_page_kb, it.third_quarter_kb, it.last_quarter_kb, it.peak_kb
    );
}

fn scale(report: &Report) {
    let it = &report.scale;
    println!("\nA first sync of {} members, {} records", it.members, it.records);
    println!(
        "{:.2} hours at a hundred calls a minute ({:.0} s here), {:.3} calls per record ({:.3} for a tenth)",
        it.simulated_hours, it.real_seconds, it.calls_per_record, it.calls_per_record_of_a_tenth
    );
    for stream in &it.streams {
        let (name, rows, pages) = (stream.name, stream.rows, stream.pages);
        println!("Whop   {name:15}{rows:>9} rows{pages:>9} pages, fewest {}", stream.fewest_pages);
    }
    for object in &it.objects {
        let (name, rows, writes) = (object.name, object.rows, object.writes);
        println!("Twenty {name:15}{rows:>9} rows{writes:>9} writes, fewest {}", object.fewest_writes);
    }
    let second = &it.second_run;
    println!(
        "second sync: {} writes, {} calls to Twenty, {} to Whop, {:.0} s here",
        second.writes, second.twenty_calls, second.whop_calls, second.real_seconds
    );
}
