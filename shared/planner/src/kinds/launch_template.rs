//! The launch template: what every instance of the group is made from.
//!
//! Secure by default: IMDSv2 only, root volume encrypted, no key, no public address; one-minute metrics (rule 3).

use windlass_calls::ec2::{
    self, CreateLaunchTemplate, DescribeLaunchTemplateVersions, DescribeLaunchTemplates, LaunchTemplateData,
    Request as Ec2Request, Response as Ec2,
};
use windlass_calls::{Request, Response};

use super::{find, image};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::{names, userdata};

/// The launch template.
pub struct LaunchTemplate;

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    templates: Vec<ec2::LaunchTemplate>,
    data: Option<LaunchTemplateData>,
}

impl Kind for LaunchTemplate {
    type Seen = Seen;
    const NAME: &'static str = "launch-template";

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, _: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        let filters = names::filters(&cx.spec.stack);
        let mut queries: Vec<Request> = vec![DescribeLaunchTemplates { filters }.into()];
        if let (Some(template), None) = (this(cx, seen), &seen.data) {
            let launch_template = template.id.clone();
            queries.push(DescribeLaunchTemplateVersions { launch_template }.into());
        }
        Ok(queries)
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Ec2(Ec2::DescribeLaunchTemplates(templates))) => {
                seen.templates.clone_from(templates);
            }
            (_, Response::Ec2(Ec2::DescribeLaunchTemplateVersions(versions))) => {
                seen.data = versions.first().map(|version| version.data.clone());
            }
            (
                Request::Ec2(Ec2Request::CreateLaunchTemplate(create)),
                Response::Ec2(Ec2::CreateLaunchTemplate(template)),
            ) => {
                seen.templates = vec![template.clone()];
                seen.data = Some(create.data.as_ref().clone());
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        if let Some(reason) = userdata::refusal(cx) {
            return Ok(Next::refuse(reason));
        }
        let data = wanted(cx, id, known)?;
        let Some(template) = this(cx, seen) else {
            let mut tags = names::tags(cx.spec, id);
            tags.insert(
                names::IMAGE_TAG.into(),
                image::tag(known.exists(&Id::only("image"))?),
            );
            let create = CreateLaunchTemplate {
                name: names::stack(&cx.spec.stack),
                token: cx.token(id),
                data: Box::new(data),
                tags,
            };
            return Ok(Next::create(create, "what every instance is made from"));
        };
        let outputs = Outputs::id(&template.id).with("version", template.default_version.to_string());
        Ok(
            match seen.data.as_ref().and_then(|seen| difference(seen, &data)) {
                None => Next::InSync(outputs),
                Some((what, from, to)) => Next::refuse(super::unsupported_change(what, from, to)),
            },
        )
    }
}

fn this<'a>(cx: &Context, seen: &'a Seen) -> Option<&'a ec2::LaunchTemplate> {
    find(
        cx,
        &Id::only(LaunchTemplate::NAME),
        &seen.templates,
        |template| &template.id,
        |template| &template.tags,
    )
}

fn wanted(cx: &Context, id: &Id, known: &Known) -> Result<LaunchTemplateData, Blocked> {
    let image = known.exists(&Id::only("image"))?;
    let compute = &cx.spec.compute;
    let mut tags = names::tags(cx.spec, id);
    tags.insert(names::RESOURCE_TAG.into(), "instance".into());
    tags.insert("Name".into(), names::stack(&cx.spec.stack));
    Ok(LaunchTemplateData {
        image: image.get("id"),
        instance_type: compute.instance_types.first().cloned().unwrap_or_default(),
        instance_profile: known.exists(&Id::only("instance-profile"))?.get("id"),
        security_groups: vec![known.exists(&Id::of("security-group", "instances"))?.get("id")],
        user_data: userdata::encoded(cx),
        http_tokens: "required".into(),
        http_hop_limit: if super::is_container(cx) { 2 } else { 1 },
        detailed_monitoring: true,
        root_device: image.get("rootDevice"),
        encrypted: true,
        tags,
    })
}

/// The first difference that matters: what it is called in the spec, what is there, what is wanted.
fn difference(
    seen: &LaunchTemplateData,
    wanted: &LaunchTemplateData,
) -> Option<(&'static str, String, String)> {
    let pairs = [
        ("compute.image", &seen.image, &wanted.image),
        (
            "compute.instanceTypes",
            &seen.instance_type,
            &wanted.instance_type,
        ),
        (
            "the instance profile",
            &seen.instance_profile,
            &wanted.instance_profile,
        ),
    ];
    let differs = pairs.into_iter().find(|(_, seen, wanted)| seen != wanted);
    if let Some((what, seen, wanted)) = differs {
        return Some((what, seen.clone(), wanted.clone()));
    }
    if seen.user_data != wanted.user_data {
        return Some(("compute.app", "the running one".into(), "another".into()));
    }
    if (
        seen.http_tokens.as_str(),
        seen.detailed_monitoring,
        seen.encrypted,
    ) != ("required", true, true)
        || seen.security_groups != wanted.security_groups
        || seen.http_hop_limit != wanted.http_hop_limit
    {
        return Some((
            "the launch template's security settings",
            "what somebody made of them".into(),
            "the defaults".into(),
        ));
    }
    None
}
