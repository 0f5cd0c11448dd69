//! Secrets by name, ARN and stage.

use aws_sdk_secretsmanager::error::ProvideErrorMetadata;

use crate::Street;

#[tokio::test]
async fn a_secret_is_read_by_its_name_and_by_its_arn() {
    let street = Street::open().await;
    let arn = street.aws.secrets.put("seal", "one");
    let client = street.secrets();

    for id in ["seal", &arn] {
        let secret = client.get_secret_value().secret_id(id).send().await.unwrap();

        assert_eq!(secret.secret_string(), Some("one"));
        assert_eq!(secret.version_stages(), ["AWSCURRENT"]);
    }
}

#[tokio::test]
async fn a_new_value_makes_the_old_one_the_previous() {
    let street = Street::open().await;
    street.aws.secrets.put("seal", "one");
    let client = street.secrets();

    let put = client.put_secret_value().secret_id("seal").secret_string("two");
    put.send().await.unwrap();

    let current = client.get_secret_value().secret_id("seal").send().await.unwrap();
    let previous = client.get_secret_value().secret_id("seal").version_stage("AWSPREVIOUS");
    assert_eq!(current.secret_string(), Some("two"));
    assert_eq!(previous.send().await.unwrap().secret_string(), Some("one"));
    let described = client.describe_secret().secret_id("seal").send().await.unwrap();
    assert_eq!(described.version_ids_to_stages().unwrap().len(), 2);
}

#[tokio::test]
async fn an_unknown_secret_is_not_found() {
    let street = Street::open().await;

    let refused = street.secrets().get_secret_value().secret_id("absent").send().await;

    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Some("ResourceNotFoundException"));
    assert_eq!(refused.message(), Some("Secrets Manager can't find the specified secret."));
}

#[tokio::test]
async fn an_operation_nobody_plays_is_refused_by_name() {
    let street = Street::open().await;

    let refused = street.secrets().list_secrets().send().await.unwrap_err();

    assert!(refused.message().unwrap().contains("ListSecrets"));
}
