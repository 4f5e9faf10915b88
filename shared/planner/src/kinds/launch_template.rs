//! The launch template: what every instance of the group is made from.
//!
//! Secure by default: IMDSv2 only, root volume encrypted, no key, no public address; one-minute metrics (rule 3).

use serde_json::json;
use windlass_calls::ec2::{
    self, CreateLaunchTemplate, CreateLaunchTemplateVersion, CreateTags, DeleteLaunchTemplate,
    DescribeLaunchTemplateVersions, DescribeLaunchTemplates, LaunchTemplateData, LaunchTemplateVersion,
    Request as Ec2Request, Response as Ec2,
};
use windlass_calls::{Request, Response, Tags};

use super::{find, image, present};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::{names, userdata};

/// The launch template.
pub struct LaunchTemplate;

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    templates: Vec<ec2::LaunchTemplate>,
    /// The newest version.
    newest: Option<LaunchTemplateVersion>,
}

impl Kind for LaunchTemplate {
    type Seen = Seen;
    const NAME: &'static str = "launch-template";
    const AFTER: &'static [&'static str] = &["auto-scaling-group", "instance"];

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, _: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        let filters = names::filters(&cx.spec.stack);
        let mut queries: Vec<Request> = vec![DescribeLaunchTemplates { filters }.into()];
        if let (Some(template), None, false) = (this(cx, seen), &seen.newest, cx.destroying) {
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
                seen.newest = versions.first().cloned();
            }
            (_, Response::Ec2(Ec2::CreateLaunchTemplateVersion(version))) => {
                seen.newest = Some(version.clone());
            }
            (Request::Ec2(Ec2Request::CreateTags(change)), _) => {
                let tagged = seen
                    .templates
                    .iter_mut()
                    .filter(|one| change.resources.contains(&one.id));
                tagged.for_each(|template| template.tags.extend(change.tags.clone()));
            }
            (Request::Ec2(Ec2Request::DeleteLaunchTemplate(delete)), _) => {
                seen.templates
                    .retain(|template| template.id != delete.launch_template);
            }
            (
                Request::Ec2(Ec2Request::CreateLaunchTemplate(create)),
                Response::Ec2(Ec2::CreateLaunchTemplate(template)),
            ) => {
                seen.templates = vec![template.clone()];
                seen.newest = Some(LaunchTemplateVersion {
                    launch_template: template.id.clone(),
                    version: 1,
                    data: create.data.as_ref().clone(),
                });
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        if let Some(reason) = userdata::refusal(cx) {
            return Ok(Next::refuse(reason));
        }
        let data = wanted(cx, id, known)?;
        let image = image::tag(known.exists(&Id::only("image"))?);
        let Some(template) = this(cx, seen) else {
            let mut tags = names::tags(cx.spec, id);
            tags.insert(names::IMAGE_TAG.into(), image);
            let create = CreateLaunchTemplate {
                name: names::stack(&cx.spec.stack),
                token: cx.token(id),
                data: Box::new(data),
                tags,
            };
            return Ok(Next::create(create, "what every instance is made from"));
        };
        let outputs = |version: u64| Outputs::id(&template.id).with("version", version.to_string());
        let Some(newest) = &seen.newest else {
            return Ok(Next::wait(
                "its versions are not visible yet",
                outputs(template.latest_version),
            ));
        };
        // First the tag: with the state lost, it keeps the image from being chosen anew (rule 64).
        Ok(if template.tags.get(names::IMAGE_TAG) != Some(&image) {
            let change = CreateTags {
                resources: vec![template.id.clone()],
                tags: Tags::from([(names::IMAGE_TAG.into(), image)]),
            };
            Next::update(
                change,
                "the chosen image is kept in a tag",
                outputs(newest.version),
            )
        } else if same(&newest.data, &data) {
            Next::InSync(outputs(newest.version))
        } else {
            let now = json!({ "launchTemplate": template.id, "data": newest.data });
            // Another template of the stack has versions of the same numbers.
            let made = format!(
                "{} {}",
                template.id,
                serde_json::to_string(&data).unwrap_or_default()
            );
            let create = CreateLaunchTemplateVersion {
                launch_template: template.id.clone(),
                token: names::token(cx.lineage, &Id::of(Self::NAME, newest.version + 1), &made),
                data: Box::new(data),
            };
            Next::update(
                create,
                "what instances are made from has changed",
                outputs(newest.version),
            )
            .over(now)
        })
    }

    fn present(cx: &Context, seen: &Seen) -> Vec<Present> {
        present(cx, Self::NAME, &seen.templates)
    }

    fn remove(_: &Context, it: &Present, _: &Seen) -> Removal {
        let launch_template = it.physical.clone();
        Removal::send(
            DeleteLaunchTemplate { launch_template },
            "nothing is launched from it any more",
        )
    }
}

/// Whether two versions make the same instances. Tags alone are no reason to replace any.
fn same(one: &LaunchTemplateData, other: &LaunchTemplateData) -> bool {
    let untagged = |data: &LaunchTemplateData| LaunchTemplateData {
        tags: Tags::new(),
        ..data.clone()
    };
    untagged(one) == untagged(other)
}

fn this<'a>(cx: &Context, seen: &'a Seen) -> Option<&'a ec2::LaunchTemplate> {
    find(cx, &Id::only(LaunchTemplate::NAME), &seen.templates, |_| true).this
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
