//! The samples in `events/` are what AWS would really send to the functions of the template.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::{Template, root, text};

fn samples() -> Vec<(String, Value)> {
    let files = std::fs::read_dir(root().join("events")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names
        .map(|name| (name.clone(), serde_json::from_str(&text(&format!("events/{name}"))).unwrap()))
        .collect()
}

fn from_gateway() -> Vec<(String, Value)> {
    samples().into_iter().filter(|(_, sample)| sample["Records"].is_null()).collect()
}

fn from_queue() -> Vec<(String, Value)> {
    samples().into_iter().filter(|(_, sample)| sample["Records"].is_array()).collect()
}

#[test]
fn every_function_has_a_sample_event_named_after_it() {
    let functions: BTreeSet<_> = Template::main().functions().into_keys().collect();

    let named: BTreeSet<_> = samples()
        .iter()
        .map(|(name, _)| name.split(['-', '.']).next().unwrap_or_default().to_owned())
        .collect();

    assert_eq!(named, functions);
}

#[test]
fn every_request_comes_over_a_route_that_exists() {
    let template = Template::main();
    let routes: Vec<_> = template.of_type("AWS::ApiGatewayV2::Route");

    for (name, request) in from_gateway() {
        let route = routes.iter().find(|(_, route)| route["RouteKey"] == request["routeKey"]);
        let (_, route) = route.unwrap_or_else(|| panic!("{name}: no such route"));
        let integration = route["Target"]["Fn::Sub"].as_str().unwrap();
        let integration = integration.trim_start_matches("integrations/${").trim_end_matches('}');
        let function = &template.resource(integration)["Properties"]["IntegrationUri"]["Fn::GetAtt"][0];
        assert!(name.starts_with(function.as_str().unwrap()), "{name} goes to {function}");
        assert_eq!(template.resource(integration)["Properties"]["PayloadFormatVersion"], "2.0", "{name}");
    }
}

#[test]
fn every_request_has_the_shape_of_payload_version_2() {
    for (name, request) in from_gateway() {
        let context = &request["requestContext"];
        let route = request["routeKey"].as_str().unwrap();
        assert_eq!(request["version"], "2.0", "{name}");
        assert_eq!(context["routeKey"], request["routeKey"], "{name}");
        assert_eq!(context["http"]["path"], request["rawPath"], "{name}");
        assert_eq!(Some(context["http"]["method"].as_str().unwrap()), route.split(' ').next(), "{name}");
        assert!(request["rawQueryString"].is_string(), "{name}");
        assert!(request["isBase64Encoded"].is_boolean(), "{name}");
        for header in request["headers"].as_object().unwrap().keys() {
            assert_eq!(*header, header.to_lowercase(), "{name}");
        }
        assert!(request["body"].is_null() || request["body"].is_string(), "{name}");
    }
}

#[test]
fn every_message_is_one_job_in_a_group_with_its_own_id() {
    let mut jobs = BTreeSet::new();

    for (name, batch) in from_queue() {
        for record in batch["Records"].as_array().unwrap() {
            let job: Value = serde_json::from_str(record["body"].as_str().unwrap()).unwrap();
            jobs.insert(job["job"].as_str().unwrap().to_owned());
            assert_eq!(record["eventSource"], "aws:sqs", "{name}");
            let function = name.split(['-', '.']).next().unwrap();
            let queue = format!("-{function}.fifo");
            assert!(record["eventSourceARN"].as_str().unwrap().ends_with(&queue), "{name}");
            assert!(record["messageId"].is_string() && record["receiptHandle"].is_string(), "{name}");
            for attribute in ["ApproximateReceiveCount", "MessageGroupId", "MessageDeduplicationId"] {
                assert!(record["attributes"][attribute].is_string(), "{name}: {attribute}");
            }
        }
    }

    let expected = ["answer", "deliver", "dispatch", "look_after", "start_due", "sync_page"];
    assert_eq!(jobs, expected.map(str::to_owned).into());
}

#[test]
fn a_scheduled_message_is_what_the_schedule_sends() {
    let schedules = Template::main().of_type("AWS::Scheduler::Schedule");

    for name in ["sync-start-due", "contract-look-after"] {
        let sample: Value = serde_json::from_str(&text(&format!("events/{name}.json"))).unwrap();

        let body = &sample["Records"][0]["body"];

        assert!(schedules.iter().any(|(_, schedule)| schedule["Target"]["Input"] == *body), "{name}");
    }
}
