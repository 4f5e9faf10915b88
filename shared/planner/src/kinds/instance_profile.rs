//! The instance profile: how EC2 hands the role to the instances. A new one takes a while to be seen everywhere
//! (rule 40); who uses it too early is told to wait.

use windlass_calls::iam::{
    self, AddRoleToInstanceProfile, CreateInstanceProfile, GetInstanceProfile, Request as IamRequest,
    Response as Iam,
};
use windlass_calls::{Request, Response};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::names;

/// The instance profile.
pub struct InstanceProfile;

impl Kind for InstanceProfile {
    type Seen = Option<iam::InstanceProfile>;
    const NAME: &'static str = "instance-profile";

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, _: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        let name = names::instance_role(&cx.spec.stack, cx.region);
        Ok(vec![GetInstanceProfile { name }.into()])
    }

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Iam(Iam::GetInstanceProfile(profile) | Iam::CreateInstanceProfile(profile))) => {
                *seen = Some(profile.clone());
            }
            (Request::Iam(IamRequest::AddRoleToInstanceProfile(add)), _) => {
                if let Some(profile) = seen {
                    profile.roles = vec![add.role.clone()];
                }
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let name = names::instance_role(&cx.spec.stack, cx.region);
        let Some(profile) = seen else {
            let tags = names::tags(cx.spec, id);
            return Ok(Next::create(
                CreateInstanceProfile { name, tags },
                "hands the role to the instances",
            ));
        };
        if !names::owned(&profile.tags, &cx.spec.stack) {
            return Ok(Next::refuse(super::foreign("instance profile", &name)));
        }
        let role = known.exists(&Id::only("instance-role"))?.get("id");
        let outputs = Outputs::id(&name).with("arn", &profile.arn);
        Ok(match profile.roles.first() {
            Some(has) if *has == role => Next::InSync(outputs),
            Some(has) => Next::refuse(format!(
                "instance profile {name} holds role {has} instead of {role}: remove it there"
            )),
            None => Next::update(
                AddRoleToInstanceProfile { profile: name, role },
                "the profile holds no role yet",
                outputs,
            ),
        })
    }
}
