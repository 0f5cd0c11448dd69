//! What is deployed keeps what the code relies on: `template.yaml`, `infra/` and `events/` read as data.
//!
//! It never asks AWS. That the template is well-formed `CloudFormation` is for cfn-lint to say.

pub(crate) mod document;
mod events;
mod rights;

use std::collections::BTreeSet;

use document::{Template, text};
use serde_json::Value;

/// Every variable of the configuration. A function gets all of them and no other.
const VARIABLES: [&str; 26] = [
    "AI_DEAD_LETTER_URL",
    "AI_MODELS",
    "AI_PROVIDER",
    "AI_QUEUE_URL",
    "ANTHROPIC_API_KEY_SECRET",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_MODEL",
    "CONTRACT_DEAD_LETTER_URL",
    "CONTRACT_QUEUE_URL",
    "FILES_BUCKET",
    "GRAPHQL_INTROSPECTION",
    "LOG_LEVEL",
    "OPENAI_API_KEY_SECRET",
    "OPENAI_BASE_URL",
    "OPENAI_MODEL",
    "OPENAI_WIRE",
    "PUBLIC_URL",
    "SEAL_KEYS_SECRET",
    "SESSION_KEY_SECRET",
    "STAGE",
    "SYNC_DEAD_LETTER_URL",
    "SYNC_QUEUE_URL",
    "TABLE_NAME",
    "WHOP_CLIENT_ID",
    "WHOP_CLIENT_SECRET_SECRET",
    "WHOP_URL",
];

#[test]
fn every_folder_of_functions_is_deployed_under_its_own_name() {
    let template = Template::main();

    let deployed: BTreeSet<_> = template.functions().into_keys().collect();

    let folders = std::fs::read_dir(document::root().join("functions")).unwrap();
    let written: BTreeSet<_> =
        folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(deployed, written);
    for (name, function) in template.functions() {
        assert_eq!(function["CodeUri"], format!("target/lambda/{name}/"), "{name}");
        assert_eq!(function["Handler"], "bootstrap", "{name}");
    }
}

#[test]
fn every_function_runs_natively_on_arm64_and_is_traced() {
    for (name, function) in Template::main().functions() {
        assert_eq!(function["Runtime"], "provided.al2023", "{name}");
        assert_eq!(function["Architectures"], serde_json::json!(["arm64"]), "{name}");
        assert_eq!(function["Tracing"], "Active", "{name}");
        assert!(function["MemorySize"].as_u64().unwrap() >= 128, "{name}");
    }
}

#[test]
fn every_function_gets_exactly_the_variables_the_code_reads() {
    for (name, function) in Template::main().functions() {
        let given: Vec<_> = function["Environment"]["Variables"].as_object().unwrap().keys().collect();

        assert_eq!(given, VARIABLES, "{name}");
    }
}

#[test]
fn secrets_are_named_and_never_given() {
    let template = Template::main();

    for (name, function) in template.functions() {
        for variable in VARIABLES.iter().filter(|variable| variable.ends_with("_SECRET")) {
            let named = &function["Environment"]["Variables"][variable]["Ref"];
            assert_eq!(
                template.resource(named.as_str().unwrap())["Type"],
                "AWS::SecretsManager::Secret",
                "{name}"
            );
        }
    }
}

#[test]
fn nothing_deployed_can_open_private_addresses() {
    let infra = std::fs::read_dir(document::root().join("infra")).unwrap();
    let files = infra.map(|file| format!("infra/{}", file.unwrap().file_name().to_str().unwrap()));
    let files = files.filter(|file| file.ends_with(".yaml"));

    for file in files.chain(["template.yaml".to_owned()]) {
        assert!(!text(&file).contains("PRIVATE_ADDRESSES"), "{file}");
    }
}

#[test]
fn every_function_logs_json_to_a_group_that_forgets() {
    let template = Template::main();

    for (name, function) in template.functions() {
        let logging = &function["LoggingConfig"];
        let group = &template.resource(logging["LogGroup"]["Ref"].as_str().unwrap())["Properties"];
        assert_eq!(logging["LogFormat"], "JSON", "{name}");
        assert_eq!(group["LogGroupName"]["Fn::Sub"], format!("/aws/lambda/${{AWS::StackName}}-{name}"));
        assert_eq!(group["RetentionInDays"]["Ref"], "LogRetentionDays", "{name}");
    }
    for (id, group) in template.of_type("AWS::Logs::LogGroup") {
        assert!(!group["RetentionInDays"].is_null(), "{id}");
    }
}

#[test]
fn every_queue_that_feeds_a_function_keeps_what_fails() {
    let template = Template::main();

    for (name, function, mapping) in template.mappings() {
        let queue = &template.referred(&mapping["Queue"])["Properties"];
        let dead = &template.referred(&queue["RedrivePolicy"]["deadLetterTargetArn"])["Properties"];
        let time_out = function["Timeout"].as_u64().unwrap();
        assert!(queue["VisibilityTimeout"].as_u64().unwrap() >= 6 * time_out, "{name}");
        assert!(queue["RedrivePolicy"]["maxReceiveCount"].as_u64().unwrap() >= 5, "{name}");
        assert_eq!(queue["FifoQueue"], dead["FifoQueue"], "{name}");
        assert_eq!(dead["MessageRetentionPeriod"], 14 * 24 * 60 * 60, "{name}");
        assert!(dead["MessageRetentionPeriod"].as_u64() > queue["MessageRetentionPeriod"].as_u64(), "{name}");
    }
    for (id, queue) in template.of_type("AWS::SQS::Queue") {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{id}");
    }
}

#[test]
fn every_mapping_answers_for_each_message_and_is_capped() {
    let template = Template::main();

    let mappings = template.mappings();

    assert!(!mappings.is_empty());
    for (name, _, mapping) in mappings {
        let cap =
            &template.parameter(mapping["ScalingConfig"]["MaximumConcurrency"]["Ref"].as_str().unwrap());
        assert_eq!(
            mapping["FunctionResponseTypes"],
            serde_json::json!(["ReportBatchItemFailures"]),
            "{name}"
        );
        assert_eq!(
            mapping["BatchSize"],
            if name == "sync" { 10 } else { 1 },
            "{name}: as the pump of the stories"
        );
        assert!(
            cap["MinValue"].as_u64().unwrap() >= 2 && cap["MaxValue"].as_u64().unwrap() <= 1000,
            "{name}"
        );
    }
}

#[test]
fn fifo_queues_are_as_fast_as_their_groups() {
    let queues = Template::main().of_type("AWS::SQS::Queue");

    for (id, queue) in queues.iter().filter(|(_, queue)| queue["FifoQueue"] == true) {
        let name = queue["QueueName"]["Fn::Sub"].as_str().unwrap();
        assert_eq!(name.rsplit('.').next(), Some("fifo"), "{id}");
        assert_eq!(queue["DeduplicationScope"], "messageGroup", "{id}");
        assert_eq!(queue["FifoThroughputLimit"], "perMessageGroupId", "{id}");
    }
}

#[test]
fn every_schedule_sends_a_job_and_keeps_what_it_could_not_send() {
    let template = Template::main();
    let mut jobs = BTreeSet::new();

    for (id, schedule) in template.of_type("AWS::Scheduler::Schedule") {
        let target = &schedule["Target"];
        let queue = &template.referred(&target["Arn"])["Properties"];
        let dead = &template.referred(&target["DeadLetterConfig"]["Arn"])["Properties"];
        let job: Value = serde_json::from_str(target["Input"].as_str().unwrap()).unwrap();
        jobs.insert((target["Arn"]["Fn::GetAtt"][0].as_str().unwrap().to_owned(), job.to_string()));
        assert_eq!(target["SqsParameters"]["MessageGroupId"], "schedules", "{id}");
        assert_eq!(queue["ContentBasedDeduplication"], true, "{id}: Scheduler gives no deduplication id");
        assert!(dead["FifoQueue"].is_null(), "{id}: Scheduler takes no FIFO queue here");
        assert!(target["RetryPolicy"]["MaximumRetryAttempts"].as_u64().unwrap() > 0, "{id}");
    }

    let expected = [
        ("AiQueue", r#"{"job":"score_due"}"#),
        ("ContractQueue", r#"{"job":"look_after"}"#),
        ("SyncQueue", r#"{"job":"start_due","sweep":"full"}"#),
        ("SyncQueue", r#"{"job":"start_due","sweep":"incremental"}"#),
    ];
    assert_eq!(jobs, expected.map(|(queue, job)| (queue.to_owned(), job.to_owned())).into());
}

#[test]
fn the_table_is_encrypted_recoverable_and_outlives_the_stack() {
    let template = Template::main();

    let (id, table) = template.of_type("AWS::DynamoDB::Table").pop().unwrap();

    let index = &table["GlobalSecondaryIndexes"][0];
    assert_eq!(template.resource(&id)["DeletionPolicy"], "RetainExceptOnCreate");
    assert_eq!(template.resource(&id)["UpdateReplacePolicy"], "Retain");
    assert_eq!(table["KeySchema"], document::keys("pk", "sk"));
    assert_eq!(index["IndexName"], "due");
    assert_eq!(index["KeySchema"], document::keys("gk", "gs"));
    assert_eq!(index["Projection"]["ProjectionType"], "KEYS_ONLY");
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["TimeToLiveSpecification"]["AttributeName"], "expires_at");
    assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(table["SSESpecification"]["SSEEnabled"], true);
    assert_eq!(table["DeletionProtectionEnabled"]["Fn::If"][0], "IsProduction");
}

#[test]
fn the_access_log_is_json_and_never_holds_a_query_string() {
    let template = Template::main();

    let (_, stage) = template.of_type("AWS::ApiGatewayV2::Stage").pop().unwrap();

    let format = stage["AccessLogSettings"]["Format"].as_str().unwrap();
    let line: Value = serde_json::from_str(format).unwrap();
    assert_eq!(line["route"], "$context.routeKey");
    for leak in ["$context.path", "$context.http", "queryString", "$context.authorizer", "$context.identity"]
    {
        assert!(!format.contains(leak), "{leak}");
    }
}

#[test]
fn every_throttled_route_exists_before_its_throttle() {
    let template = Template::main();
    let (id, stage) = template.of_type("AWS::ApiGatewayV2::Stage").pop().unwrap();

    let throttled: BTreeSet<_> = stage["RouteSettings"].as_object().unwrap().keys().cloned().collect();

    let waited_for = template.resource(&id)["DependsOn"].as_array().unwrap().clone();
    let route = |id: &Value| template.resource(id.as_str().unwrap())["Properties"]["RouteKey"].clone();
    let there: BTreeSet<_> = waited_for.iter().map(|id| route(id).as_str().unwrap().to_owned()).collect();
    assert_eq!(throttled, there);
    assert!(stage["DefaultRouteSettings"]["ThrottlingRateLimit"].as_u64().unwrap() > 0);
}

#[test]
fn contract_files_are_private_encrypted_versioned_and_outlive_the_stack() {
    let template = Template::main();

    let bucket = template.resource("FilesBucket");

    assert_eq!(bucket["DeletionPolicy"], "RetainExceptOnCreate");
    assert_eq!(bucket["UpdateReplacePolicy"], "Retain");
    let properties = &bucket["Properties"];
    assert_eq!(properties["VersioningConfiguration"]["Status"], "Enabled");
    let encryption = &properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
    assert_eq!(encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"], "aws:kms");
    for block in ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"] {
        assert_eq!(properties["PublicAccessBlockConfiguration"][block], true, "{block}");
    }
    let policy = &template.resource("FilesBucketPolicy")["Properties"]["PolicyDocument"]["Statement"][0];
    assert_eq!((&policy["Effect"], &policy["Action"]), (&"Deny".into(), &"s3:*".into()));
    assert_eq!(policy["Condition"]["Bool"]["aws:SecureTransport"], "false");
}

#[test]
fn every_stage_sets_only_parameters_that_exist() {
    let template = Template::main();
    let stages = document::yaml(&text("infra/samconfig.yaml"));

    for stage in ["dev", "staging", "prod"] {
        let settings = stages[stage]["deploy"]["parameters"]["parameter_overrides"].as_array().unwrap();
        let settings: Vec<_> =
            settings.iter().map(|pair| pair.as_str().unwrap().split_once('=').unwrap()).collect();
        assert!(settings.contains(&("Stage", stage)));
        for (name, _) in settings {
            assert!(template.parameter(name)["Type"].is_string(), "{stage}: {name}");
        }
    }
}

#[test]
fn what_must_be_noticed_is_counted_and_the_parts_fit() {
    let template = Template::main();
    let monitoring = Template::read("infra/monitoring.yaml");

    let filters = monitoring.of_type("AWS::Logs::MetricFilter");
    let given = &template.resource("Monitoring")["Properties"]["Parameters"];

    let events = [
        "grant.refresh_failed",
        "message.parked",
        "run.failed",
        "delivery.accepted",
        "contract.moved",
        "ai.out_of_money",
        "ai.misconfigured",
    ];
    for event in events {
        let pattern = format!("$.fields.event = \"{event}\"");
        let counts = |filter: &Value| filter["FilterPattern"].as_str().unwrap().contains(&pattern);
        assert!(filters.iter().any(|(_, filter)| counts(filter)), "{event}");
    }
    for name in given.as_object().unwrap().keys() {
        assert!(monitoring.parameter(name)["Type"].is_string(), "{name}");
    }
    let (_, dashboard) = monitoring.of_type("AWS::CloudWatch::Dashboard").pop().unwrap();
    serde_json::from_str::<Value>(dashboard["DashboardBody"]["Fn::Sub"].as_str().unwrap()).unwrap();
}
