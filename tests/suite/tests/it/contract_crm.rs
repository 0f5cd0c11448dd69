//! What a contract leaves in the CRM while it is sent, signed and kept. Whop is not connected in any of it.

use serde_json::{Value, json};
use shared::domain::contract::{ProviderName, State};
use shared::usecase::contracts::{cancel, send};

use crate::contract_office::{ADA, BO, MINUTE, Office};

fn records(office: &Office, plural: &str) -> Vec<Value> {
    office.stack.twenty.records(&office.crm, plural)
}

/// Titles of the notes on a record, by what happened.
fn told(office: &Office, column: &str, id: &str) -> Vec<String> {
    let notes = records(office, "notes");
    let ties = records(office, "noteTargets").into_iter().filter(|tie| tie[column] == id);
    let title = |tie: Value| {
        let note = notes.iter().find(|note| note["id"] == tie["noteId"]).expect("a note of that tie");
        let title = note["title"].as_str().unwrap();
        title.strip_prefix("Contract “Service agreement” ").unwrap_or(title).to_owned()
    };
    let mut titles: Vec<String> = ties.map(title).collect();
    titles.sort();
    titles
}

/// One record, with the state and its dates, related to person and opportunity.
fn assert_record(office: &Office, deal: &str) {
    let [record] = &records(office, "contracts")[..] else { panic!("{}: one record", office.name) };
    assert_eq!(record["state"], "COMPLETED", "{}", office.name);
    assert_eq!((&record["signedCount"], &record["signerCount"]), (&json!(2), &json!(2)), "{}", office.name);
    assert_eq!((&record["personId"], &record["opportunityId"]), (&json!(office.person), &json!(deal)));
    let dates = ["sentAt", "viewedAt", "endedAt"];
    assert!(dates.iter().all(|it| record[*it].is_string()), "{}: {record}", office.name);
}

#[tokio::test]
async fn every_state_is_noted_with_person_and_opportunity_and_the_signed_file_hangs_on_the_person() {
    for name in ProviderName::ALL {
        let office = Office::open(name).await;
        let stack = office.stack.clone();
        let deal = stack.twenty.create_as_human(&office.crm, "opportunities", &json!({ "name": "Club" }));
        let mut wish = office.wish();
        wish.opportunity = Some(deal.parse().unwrap());
        let asked = send::send_contract(stack.app, &office.caller, wish, None).await.unwrap();
        office.rest().await;
        let request = office.find(&asked.id).await.request.expect("it was sent").to_string();

        office.desk().view(&request, ADA).unwrap();
        office.rest().await;
        for signer in [ADA, BO] {
            stack.clock.advance_ms(MINUTE);
            office.desk().sign(&request, signer).unwrap();
            office.rest().await;
        }
        office.tick(15 * MINUTE).await;

        let done = office.find(&asked.id).await;
        assert_eq!(done.state(), State::Completed, "{name}");
        let expected = ["was completed", "was sent", "was signed in part", "was viewed"];
        assert_eq!(told(&office, "targetPersonId", &office.person.to_string()), expected, "{name}");
        assert_eq!(told(&office, "targetOpportunityId", &deal), expected, "{name}");
        assert_record(&office, &deal);
        let [attachment] = &records(&office, "attachments")[..] else { panic!("{name}: one attachment") };
        assert_eq!(attachment["targetPersonId"], json!(office.person), "{name}");
        let file = attachment["file"][0]["fileId"].as_str().unwrap();
        let kept = done.signed_file.clone().expect("a signed file");
        let object = stack.aws.s3.object(&stack.app.config().files_bucket, &kept.key).unwrap();
        assert_eq!(stack.twenty.uploaded(file).unwrap(), object.bytes, "{name}");
        assert!(done.is_settled(), "{name}: {:?}", done.owed());
        assert_eq!(stack.twenty.calls_not_understood(), Vec::<String>::new());
        office.assert_at_rest(name.as_str());
    }
}

#[tokio::test]
async fn a_voided_contract_tells_why_and_names_no_address() {
    let office = Office::open(ProviderName::DocuSign).await;
    let contract = office.sent().await;

    let (app, caller) = (office.stack.app, &office.caller);
    cancel::cancel_contract(app, caller, &contract.id, "Wrong *price*").await.unwrap();
    office.rest().await;
    office.tick(16 * MINUTE).await;

    let [record] = &records(&office, "contracts")[..] else { panic!("one record") };
    assert_eq!((&record["state"], &record["endReason"]), (&json!("VOIDED"), &json!("Wrong *price*")));
    let notes = records(&office, "notes");
    let voided = notes.iter().find(|it| it["title"].as_str().unwrap().ends_with("was voided")).unwrap();
    let text = voided["bodyV2"]["markdown"].as_str().unwrap();
    assert!(text.contains("Reason: Wrong \\*price\\*"), "{text}");
    assert!(notes.iter().all(|it| !it.to_string().contains("@client.example")), "{notes:#?}");
    assert_eq!(records(&office, "attachments").len(), 0);
    office.assert_at_rest("voided");
}
