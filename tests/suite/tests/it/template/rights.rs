//! What each function may do in the account, and that it may not do more.

use std::collections::BTreeSet;

use super::document::{Template, text};

/// The keys of the bucket that functions may read and write; no other.
const KEYS: [&str; 2] = ["contracts/*", "uploads/*"];

#[test]
fn every_function_has_a_role_of_its_own() {
    let template = Template::main();

    let functions = template.functions();

    let roles: BTreeSet<_> = functions.values().map(|function| function["Role"].to_string()).collect();
    assert_eq!(roles.len(), functions.len());
    for function in functions.values() {
        for policy in
            template.referred(&function["Role"])["Properties"]["ManagedPolicyArns"].as_array().unwrap()
        {
            assert_eq!(template.referred(policy)["Type"], "AWS::IAM::ManagedPolicy", "a policy we can read");
        }
    }
}

#[test]
fn no_policy_reaches_further_than_it_must() {
    let template = Template::main();

    for (id, statement) in template.statements() {
        let everywhere = statement.resources.iter().any(|resource| resource.contains('*'));
        let traces = statement.actions.iter().all(|action| action.starts_with("xray:Put"));
        let files = statement.resources.iter().all(|resource| {
            KEYS.iter().any(|keys| *resource == format!(r#"{{"Fn::Sub":"${{FilesBucket.Arn}}/{keys}"}}"#))
        });
        assert_eq!(statement.effect, "Allow", "{id}");
        assert!(
            !statement.actions.iter().any(|action| action.contains('*')),
            "{id}: {:?}",
            statement.actions
        );
        assert!(!statement.actions.iter().any(|action| action == "dynamodb:Scan"), "{id}");
        assert!(!everywhere || traces || files, "{id}: {:?}", statement.resources);
    }
    for line in text("template.yaml").lines().filter(|line| line.trim_start().starts_with("Resource: \"*\""))
    {
        assert!(line.contains(" # "), "a wildcard is explained where it stands");
    }
}

#[test]
fn the_webhook_door_can_read_one_item_and_write_none() {
    let template = Template::main();
    let role = template.functions()["webhook"]["Role"].clone();

    let actions = template.actions_of(&role);

    let ours: Vec<_> = actions.iter().filter(|action| !action.starts_with("xray:")).collect();
    assert_eq!(
        ours,
        [
            "dynamodb:GetItem",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            "secretsmanager:GetSecretValue",
            "sqs:SendMessage"
        ]
    );
}

#[test]
fn only_those_who_take_and_hand_out_contract_files_reach_the_bucket_and_nobody_takes_any_away() {
    let template = Template::main();

    for (name, function) in template.functions() {
        let actions = template.actions_of(&function["Role"]);

        let of_files: Vec<_> = actions.iter().filter(|action| action.starts_with("s3:")).collect();
        let expected: &[&str] = match name.as_str() {
            "contract" | "graphql" => &["s3:GetObject", "s3:ListBucket", "s3:PutObject"],
            _ => &[],
        };
        assert_eq!(of_files, expected, "{name}");
    }
}

#[test]
fn each_queue_is_sent_to_by_those_whose_work_leads_there() {
    let template = Template::main();

    let senders = |queue: &str| {
        let arn = format!(r#"{{"Fn::GetAtt":["{queue}","Arn"]}}"#);
        let statements = template.statements().into_iter().filter(|(_, statement)| {
            statement.actions.iter().any(|it| it == "sqs:SendMessage") && statement.resources.contains(&arn)
        });
        statements.map(|(role, _)| role).collect::<BTreeSet<_>>()
    };

    let roles = |names: &[&str]| names.iter().map(|name| format!("{name}Role")).collect::<BTreeSet<_>>();
    assert_eq!(senders("SyncQueue"), roles(&["Ai", "Graphql", "Oauth", "Schedule", "Sync", "Webhook"]));
    assert_eq!(senders("AiQueue"), roles(&["Ai", "Schedule", "Sync"]));
    assert_eq!(senders("ContractQueue"), roles(&["Contract", "Graphql", "Schedule", "Sync", "Webhook"]));
}
