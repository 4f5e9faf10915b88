//! What the instances may do besides being managed by Session Manager: exactly what the spec makes them need.
//!
//! AWS's policy for Session Manager also lets an instance read every parameter of the account. This one takes that
//! back, all but AWS's public parameters and those that the spec names.

use serde_json::{Value, json};
use windlass_calls::iam::{self, DeleteRolePolicy, GetRolePolicy, PutRolePolicy, Response as Iam};
use windlass_calls::{Request, Response};
use windlass_spec::{Runtime, Variable};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;
use crate::registry::Registry;
use crate::userdata;

/// The policy within the instance role.
pub struct InstanceRolePolicy;

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    /// The role was made in this pass: it has no policy yet.
    new: bool,
    /// The policy's text.
    document: Option<String>,
}

impl Kind for InstanceRolePolicy {
    type Seen = Seen;
    const NAME: &'static str = "instance-role-policy";
    const AFTER: &'static [&'static str] = &["instance-profile"];

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, known: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        let role = if cx.destroying {
            names::instance_role(&cx.spec.stack, cx.region)
        } else {
            known.exists(&Id::only("instance-role"))?.get("id")
        };
        let name = names::INSTANCE_POLICY.to_owned();
        Ok(if seen.new {
            vec![]
        } else {
            vec![GetRolePolicy { role, name }.into()]
        })
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (Request::Iam(iam::Request::CreateRole(_)), _) => seen.new = true,
            (_, Response::Iam(Iam::GetRolePolicy(document))) => seen.document = Some(document.clone()),
            (Request::Iam(iam::Request::PutRolePolicy(put)), _) => seen.document = Some(put.document.clone()),
            (Request::Iam(iam::Request::DeleteRolePolicy(_)), _) => seen.document = None,
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let role = known.exists(&Id::only("instance-role"))?.get("id");
        let wanted = policy(cx, known)?;
        let outputs = Outputs::id(&role).with("role", &role);
        let same = |text: &String| serde_json::from_str::<Value>(text).is_ok_and(|seen| seen == wanted);
        if seen.document.as_ref().is_some_and(same) {
            return Ok(Next::InSync(outputs));
        }
        let put = PutRolePolicy {
            role,
            name: names::INSTANCE_POLICY.into(),
            document: wanted.to_string(),
        };
        Ok(match &seen.document {
            Some(text) => {
                let now = json!({ "role": put.role, "name": put.name, "document": text });
                Next::update(put, "the role allows something else than the spec needs", outputs).over(now)
            }
            None => super::set(
                cx,
                id,
                put,
                "instances read what the spec names, and no other parameter of the account",
                outputs,
            ),
        })
    }

    fn present(cx: &Context, seen: &Self::Seen) -> Vec<Present> {
        let role = names::instance_role(&cx.spec.stack, cx.region);
        let there = seen.document.iter();
        there.map(|_| Present::new(Id::only(Self::NAME), &role)).collect()
    }

    fn remove(_: &Context, it: &Present, _: &Self::Seen) -> Removal {
        let delete = DeleteRolePolicy {
            role: it.physical.clone(),
            name: names::INSTANCE_POLICY.into(),
        };
        Removal::send(delete, "a role goes without its policies")
    }
}

/// The policy that a spec needs.
fn policy(cx: &Context, known: &Known) -> Result<Value, Blocked> {
    let arn = |service: &str| cx.arn(known, service);
    let ssm = arn("ssm")?;
    let partition = ssm.split(':').nth(1).unwrap_or("aws").to_owned();
    let mut parameters = Vec::new();
    let mut secrets = Vec::new();
    let mut statements = Vec::new();
    if let Runtime::Container { image, env } = &cx.spec.compute.app.runtime {
        for value in env.values() {
            match value {
                Variable::Parameter(path) => parameters.push(format!("{ssm}:parameter{path}")),
                // Secrets Manager adds six characters of its own to each name.
                Variable::Secret(name) => {
                    secrets.push(format!("{}:secret:{name}-??????", arn("secretsmanager")?));
                }
                Variable::Plain(_) => {}
            }
        }
        statements.push(allow(
            "WriteTheLog",
            &["logs:CreateLogStream", "logs:PutLogEvents"],
            &json!([format!(
                "{}:log-group:{}:*",
                arn("logs")?,
                names::log_group(&cx.spec.stack)
            )]),
        ));
        if let Some(registry) = Registry::of(image) {
            statements.push(allow(
                "LogInToTheRegistry",
                &["ecr:GetAuthorizationToken"],
                &json!("*"),
            ));
            statements.push(allow(
                "PullTheImage",
                &[
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:GetDownloadUrlForLayer",
                ],
                &json!([registry.repository_arn(&partition)]),
            ));
        }
    }
    if userdata::measures_memory(cx) {
        // AWS knows no narrower rights for it: a namespace, and tags whichever resource's.
        let mut put = allow("PutMetrics", &["cloudwatch:PutMetricData"], &json!("*"));
        put["Condition"] = json!({ "StringEquals": { "cloudwatch:namespace": names::AGENT_NAMESPACE } });
        statements.push(put);
        statements.push(allow("FindTheGroup", &["ec2:DescribeTags"], &json!("*")));
    }
    parameters.sort();
    parameters.dedup();
    secrets.sort();
    secrets.dedup();
    if !parameters.is_empty() {
        statements.push(allow("ReadParameters", &["ssm:GetParameter"], &json!(parameters)));
    }
    if !secrets.is_empty() {
        statements.push(allow(
            "ReadSecrets",
            &["secretsmanager:GetSecretValue"],
            &json!(secrets),
        ));
    }
    if !parameters.is_empty() || !secrets.is_empty() {
        let services =
            ["ssm", "secretsmanager"].map(|service| format!("{service}.{}.amazonaws.com", cx.region));
        let mut decrypt = allow(
            "DecryptThem",
            &["kms:Decrypt"],
            &json!([format!("{}:key/*", arn("kms")?)]),
        );
        decrypt["Condition"] = json!({ "StringEquals": { "kms:ViaService": services } });
        statements.push(decrypt);
    }
    let public = format!("arn:{partition}:ssm:{}::parameter/aws/service/*", cx.region);
    let readable: Vec<String> = std::iter::once(public).chain(parameters).collect();
    statements.push(json!({
        "Sid": "NoOtherParameters",
        "Effect": "Deny",
        "Action": ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:GetParameterHistory"],
        "NotResource": readable,
    }));
    Ok(json!({ "Version": "2012-10-17", "Statement": statements }))
}

fn allow(sid: &str, actions: &[&str], resources: &Value) -> Value {
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources })
}
