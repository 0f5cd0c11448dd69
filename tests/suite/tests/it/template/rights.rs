//! What each function may do in the account, and that it may not do more.

use std::collections::BTreeSet;

use super::document::{Template, text};

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
        assert_eq!(statement.effect, "Allow", "{id}");
        assert!(
            !statement.actions.iter().any(|action| action.contains('*')),
            "{id}: {:?}",
            statement.actions
        );
        assert!(!statement.actions.iter().any(|action| action == "dynamodb:Scan"), "{id}");
        assert!(!everywhere || traces, "{id}: {:?}", statement.resources);
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
