//! The machine image: an alias is resolved once per spec change, and the answer kept in the state and in a tag of the
//! launch template. Resolving it in every pass would be a perpetual difference (rule 64).

use windlass_calls::ec2::{self, DescribeImages, DescribeLaunchTemplates, Response as Ec2};
use windlass_calls::ssm::{GetParameter, Response as Ssm};
use windlass_calls::{Request, Response};
use windlass_spec::{Architecture, Compute, Image as Wanted};

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};
use crate::names;

/// The image of a stack. Nothing is created: the choice is the resource.
pub struct Image;

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    tagged: Option<String>,
    parameter: Option<String>,
    images: Vec<ec2::Image>,
}

/// What the image is resolved from, in one word: the spec's value and the architecture.
#[must_use]
pub fn alias(compute: &Compute) -> String {
    let value = match &compute.image {
        Wanted::Al2023 => "al2023",
        Wanted::Ubuntu2404 => "ubuntu-24.04",
        Wanted::Ami(id) => id,
        Wanted::Parameter(path) => path,
    };
    format!("{value}:{}", architecture(compute))
}

fn architecture(compute: &Compute) -> &'static str {
    match compute.architecture {
        Architecture::X86_64 => "x86_64",
        Architecture::Arm64 => "arm64",
    }
}

/// The public parameter that holds the image's id.
fn parameter(compute: &Compute) -> Option<String> {
    match (&compute.image, compute.architecture) {
        (Wanted::Al2023, _) => Some(format!(
            "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{}",
            architecture(compute)
        )),
        (Wanted::Ubuntu2404, arch) => {
            let arch = if arch == Architecture::Arm64 {
                "arm64"
            } else {
                "amd64"
            };
            Some(format!(
                "/aws/service/canonical/ubuntu/server/24.04/stable/current/{arch}/hvm/ebs-gp3/ami-id"
            ))
        }
        (Wanted::Parameter(path), _) => Some(path.clone()),
        (Wanted::Ami(_), _) => None,
    }
}

impl Kind for Image {
    type Seen = Seen;
    const NAME: &'static str = "image";
    const GOES: bool = false;

    fn wants(_: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(vec![Id::only(Self::NAME)])
    }

    fn queries(cx: &Context, _: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        if recorded(cx).is_some() {
            return Ok(vec![]);
        }
        let filters = names::filters(&cx.spec.stack);
        let mut queries: Vec<Request> = vec![DescribeLaunchTemplates { filters }.into()];
        let id = match (&cx.spec.compute.image, parameter(&cx.spec.compute)) {
            (Wanted::Ami(id), _) => Some(id.clone()),
            (_, Some(name)) => {
                queries.push(GetParameter { name }.into());
                seen.parameter.clone()
            }
            (_, None) => None,
        };
        queries.extend(id.map(|id| DescribeImages { images: vec![id] }.into()));
        Ok(queries)
    }

    fn read(seen: &mut Seen, _: &Request, response: &Response) {
        match response {
            Response::Ec2(Ec2::DescribeLaunchTemplates(templates)) => {
                seen.tagged = templates
                    .iter()
                    .find_map(|template| template.tags.get(names::IMAGE_TAG).cloned());
            }
            Response::Ssm(Ssm::GetParameter(value)) => seen.parameter = Some(value.clone()),
            Response::Ec2(Ec2::DescribeImages(images)) => seen.images.clone_from(images),
            _ => {}
        }
    }

    fn next(cx: &Context, _: &Id, seen: &Seen, _: &Known) -> Result<Next, Blocked> {
        let kept = recorded(cx).or_else(|| seen.tagged.as_deref().and_then(|tag| from_tag(cx, tag)));
        Ok(kept.map_or_else(|| resolve(cx, seen), Next::InSync))
    }
}

/// The recorded choice, if the spec still asks for the same.
fn recorded(cx: &Context) -> Option<Outputs> {
    let outputs = &cx.record(&Id::only(Image::NAME))?.outputs;
    (outputs.get("alias") == alias(&cx.spec.compute)).then(|| outputs.clone())
}

/// Value of [`names::IMAGE_TAG`]: alias, image and root device.
pub(super) fn tag(outputs: &Outputs) -> String {
    [outputs.get("alias"), outputs.get("id"), outputs.get("rootDevice")].join(" ")
}

fn from_tag(cx: &Context, tag: &str) -> Option<Outputs> {
    let mut words = tag.split(' ');
    let (alias_then, id, root_device) = (words.next()?, words.next()?, words.next()?);
    (alias_then == alias(&cx.spec.compute)).then(|| outputs(alias_then, id, root_device))
}

fn outputs(alias: &str, id: &str, root_device: &str) -> Outputs {
    Outputs::id(id)
        .with("alias", alias)
        .with("rootDevice", root_device)
}

fn resolve(cx: &Context, seen: &Seen) -> Next {
    let compute = &cx.spec.compute;
    match (seen.images.first(), parameter(compute)) {
        (Some(image), _) if image.architecture != architecture(compute) => Next::refuse(format!(
            "compute.image {} is {}, and the instance types are {}: choose an image or instance types to match",
            image.id,
            image.architecture,
            architecture(compute)
        )),
        (Some(image), _) => Next::InSync(outputs(&alias(compute), &image.id, &image.root_device)),
        (None, Some(path)) if seen.parameter.is_none() => Next::refuse(format!(
            "compute.image: parameter {path} does not exist in this Region"
        )),
        (None, _) => {
            Next::refuse("compute.image does not exist in this Region, or is not shared with this account")
        }
    }
}
