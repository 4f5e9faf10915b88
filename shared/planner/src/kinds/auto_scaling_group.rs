//! The Auto Scaling group. It is made only when its instances could boot and serve: routes in place, NAT available
//! (rule 39), rules open, target group in use.
//!
//! It replaces what the load balancer finds unhealthy, launching the new one first (rule 61). The desired capacity is
//! the scaler's and never set here (rule 47), but for a group that takes another's place: it starts as large.
//!
//! What instances are made from reaches the running ones by an instance refresh, which makes the new version the
//! group's when it is done (rule 46). Where another target group or network needs another group, both live side by
//! side until the new one serves; their names alternate.

mod rollout;

use std::collections::BTreeMap;

use serde_json::json;
use windlass_calls::autoscaling::{
    self, Activity, CreateAutoScalingGroup, DeleteAutoScalingGroup, DescribeAutoScalingGroups,
    DescribeInstanceRefreshes, DescribeScalingActivities, Distribution, Group, GroupChange, GroupSettings,
    Launch, Refresh, Response as Autoscaling, ResumeProcesses, UpdateAutoScalingGroup,
};
use windlass_calls::{Request, Response};
use windlass_spec::{HealthCheck, Mode};

use super::{in_zone, make, spot};
use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};
use crate::names;

/// The Auto Scaling group.
pub struct AutoScalingGroup;

/// Seconds a new instance may take to boot before the load balancer's verdict counts.
const GRACE: u32 = 300;
/// Least warm-up in seconds: one period of one-minute metrics.
const LEAST_WARMUP: u32 = 60;
/// Never below the desired capacity while instances are replaced, and a tenth above it (rule 61).
const MAINTENANCE: (u32, u32) = (100, 110);

/// The process that launches instances.
const LAUNCH: &str = "Launch";

/// How the description of a launch begins.
const LAUNCHING: &str = "Launching";

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    /// The groups of the stack's names, whoever's they are.
    groups: BTreeMap<String, Group>,
    activities: Vec<Activity>,
    /// The newest first.
    refreshes: Option<Vec<Refresh>>,
}

impl Kind for AutoScalingGroup {
    type Seen = Seen;
    const NAME: &'static str = "auto-scaling-group";
    const AFTER: &'static [&'static str] = &["alarm"];

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        Ok(match cx.spec.compute.mode {
            Mode::Asg => vec![Id::only(Self::NAME)],
            Mode::Ec2 => vec![],
        })
    }

    fn queries(cx: &Context, known: &Known, seen: &Seen) -> Result<Vec<Request>, Blocked> {
        if cx.spec.compute.mode == Mode::Ec2 && !cx.looks_for(Self::NAME, known) {
            return Ok(vec![]);
        }
        let names = asked(cx, known);
        let mut queries: Vec<Request> = vec![DescribeAutoScalingGroups { names }.into()];
        if cx.destroying {
            return Ok(queries);
        }
        if let Some(group) = this(cx, seen, known)?.0 {
            let name = group.settings.name.clone();
            if group.instances.len() < group.desired as usize {
                queries.push(DescribeScalingActivities { group: name.clone() }.into());
            }
            if launch(cx, known).is_ok_and(|wanted| launched(&group.settings) != wanted) {
                queries.push(DescribeInstanceRefreshes { group: name }.into());
            }
        }
        Ok(queries)
    }

    fn read(seen: &mut Seen, request: &Request, response: &Response) {
        if let Request::Autoscaling(request) = request {
            seen.fold(request);
        }
        match response {
            Response::Autoscaling(Autoscaling::DescribeAutoScalingGroups(groups)) => {
                let named = groups
                    .iter()
                    .map(|group| (group.settings.name.clone(), group.clone()));
                seen.groups.extend(named);
            }
            Response::Autoscaling(Autoscaling::DescribeScalingActivities(activities)) => {
                seen.activities.clone_from(activities);
            }
            Response::Autoscaling(Autoscaling::DescribeInstanceRefreshes(refreshes)) => {
                seen.refreshes = Some(refreshes.clone());
            }
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Seen, known: &Known) -> Result<Next, Blocked> {
        let (group, old) = this(cx, seen, known)?;
        let Some(group) = group else {
            super::runnable(cx, known)?;
            return Ok(create(cx, id, seen, &old, settings(cx, known)?));
        };
        let mut wanted = settings(cx, known)?;
        if cx
            .tried
            .get(&group.settings.name)
            .is_some_and(|version| version == cx.version)
        {
            wanted.min = wanted.min.min(group.settings.min);
        }
        let mut outputs = Outputs::id(&group.settings.name)
            .with("name", &group.settings.name)
            .with("arn", &group.arn)
            .with("targetGroup", wanted.target_groups.join(","));
        if !cx.spec.scaling.schedule.is_empty() {
            outputs = outputs.with("bounds", bounds(cx, id, group, &mut wanted));
        }
        if group.settings.target_groups.is_empty() {
            return Ok(Next::Refuse {
                reason: format!(
                    "somebody detached the target group from Auto Scaling group {}: attach {} again",
                    group.settings.name, wanted.target_groups[0]
                ),
                outputs: Some(outputs),
            });
        }
        if let Some(resume) = resume(cx, group) {
            let reason =
                "launching was suspended when an earlier version of the spec kept failing: this one is tried";
            return Ok(Next::update(resume, reason, outputs));
        }
        let launch = launch(cx, known)?;
        let share = spot::change(
            &launched(&group.settings),
            &launch,
            &cx.spec.compute.instance_types,
        );
        // AWS takes no other while a rollout is under way.
        let newest = seen.refreshes.iter().flatten().next();
        let share = share.filter(|_| !newest.is_some_and(rollout::is_under_way));
        if let Some((change, now)) = difference(&group.settings, &wanted, share) {
            let reason = match &change.launch {
                Some(launch) => spot::reason(launch),
                None => format!(
                    "keeps {} to {} instances running, as the spec says",
                    wanted.min, wanted.max
                ),
            };
            let update = UpdateAutoScalingGroup {
                group: group.settings.name.clone(),
                change: Box::new(change),
            };
            return Ok(Next::update(update, reason, outputs).over(now));
        }
        if launched(&group.settings) != launch {
            return rollout::next(cx, id, group, newest, known, launch, outputs);
        }
        Ok(capacity(cx, group, &seen.activities, outputs))
    }

    fn present(cx: &Context, seen: &Seen) -> Vec<Present> {
        let own = seen
            .groups
            .values()
            .filter(|group| names::owned(&group.tags, &cx.spec.stack));
        own.map(|group| Present::new(Id::only(Self::NAME), &group.settings.name))
            .collect()
    }

    /// Its instances drain first: a group is never deleted by force, which would skip their hooks (rule 51).
    fn remove(_: &Context, it: &Present, seen: &Seen) -> Removal {
        let name = it.physical.clone();
        let Some(group) = seen.groups.get(&name) else {
            return Removal::wait(format!("group {name} is gone"));
        };
        if group.status.is_some() {
            Removal::wait(format!("AWS is deleting group {name}"))
        } else if (group.settings.min, group.settings.max, group.desired) != (0, 0, 0) {
            let change = GroupChange {
                min: Some(0),
                max: Some(0),
                desired: Some(0),
                ..GroupChange::default()
            };
            let update = UpdateAutoScalingGroup {
                group: name,
                change: Box::new(change),
            };
            Removal::send(update, "its instances finish their requests and go")
        } else if group.instances.is_empty() {
            Removal::send(
                DeleteAutoScalingGroup { group: name },
                "the group has no instances left",
            )
        } else {
            let left = group.instances.len();
            Removal::wait(format!("{left} instances of group {name} are going"))
        }
    }
}

impl Seen {
    /// Folds in what was just changed.
    fn fold(&mut self, request: &autoscaling::Request) {
        match request {
            autoscaling::Request::CreateAutoScalingGroup(create) => {
                let group = Group {
                    arn: String::new(),
                    settings: create.settings.as_ref().clone(),
                    health_check: "ELB".into(),
                    desired: create.desired.unwrap_or(create.settings.min),
                    instances: vec![],
                    metrics: vec![],
                    suspended: vec![],
                    status: None,
                    tags: create.tags.clone(),
                };
                self.groups.insert(create.settings.name.clone(), group);
            }
            autoscaling::Request::UpdateAutoScalingGroup(update) => {
                if let Some(group) = self.groups.get_mut(&update.group) {
                    apply(group, &update.change);
                }
            }
            autoscaling::Request::DeleteAutoScalingGroup(delete) => {
                self.groups.remove(&delete.group);
            }
            autoscaling::Request::StartInstanceRefresh(start) => {
                let refresh = Refresh {
                    id: String::new(),
                    status: "Pending".into(),
                    reason: None,
                    percentage: 0,
                    version: Some(start.launch.version),
                };
                self.refreshes.get_or_insert_default().insert(0, refresh);
            }
            autoscaling::Request::ResumeProcesses(resume) => {
                if let Some(group) = self.groups.get_mut(&resume.group) {
                    group
                        .suspended
                        .retain(|process| !resume.processes.contains(process));
                }
            }
            autoscaling::Request::CancelInstanceRefresh(_) => {
                let active = self
                    .refreshes
                    .iter_mut()
                    .flatten()
                    .find(|refresh| rollout::is_active(refresh));
                if let Some(refresh) = active {
                    refresh.status = "Cancelling".into();
                }
            }
            _ => {}
        }
    }
}

/// A group's settings after a change.
fn apply(group: &mut Group, change: &GroupChange) {
    let settings = &mut group.settings;
    settings.min = change.min.unwrap_or(settings.min);
    settings.max = change.max.unwrap_or(settings.max);
    group.desired = change
        .desired
        .unwrap_or(group.desired)
        .clamp(settings.min, settings.max.max(settings.min));
    settings.grace = change.grace.unwrap_or(settings.grace);
    settings.warmup = change.warmup.unwrap_or(settings.warmup);
    settings.maintenance = change.maintenance.unwrap_or(settings.maintenance);
    settings.rebalance = change.rebalance.unwrap_or(settings.rebalance);
    if let Some(subnets) = &change.subnets {
        settings.subnets.clone_from(subnets);
    }
    if let Some(launch) = &change.launch {
        settings.launch_template.clone_from(&launch.launch_template);
        settings.version = launch.version;
        settings.instance_types.clone_from(&launch.instance_types);
        settings.spot = launch.spot.clone().filter(Distribution::has_spot);
    }
}

/// What the names of a stack's groups end with: one takes the other's place, and a change of mind in between asks for a
/// third. No stack's name has a dot.
const ENDINGS: [&str; 6] = ["", ".b", ".c", ".d", ".e", ".f"];

/// The names that a stack's groups can have.
fn all_names(cx: &Context) -> [String; ENDINGS.len()] {
    let name = names::stack(&cx.spec.stack);
    ENDINGS.map(|ending| format!("{name}{ending}"))
}

/// The names to ask about: the recorded one alone, as long as it needs no other beside it; else all, in one call.
fn asked(cx: &Context, known: &Known) -> Vec<String> {
    let record = cx.record(&Id::only(AutoScalingGroup::NAME));
    let target_group = known
        .get(&Id::only("target-group"))
        .map(|group| group.outputs.get("id"));
    if let Some(record) = record.filter(|record| record.leaving.is_empty()) {
        let (name, then) = (record.outputs.get("name"), record.outputs.get("targetGroup"));
        let stays = target_group.is_none_or(|now| then.is_empty() || now == then);
        if stays && !cx.destroying && !cx.thorough && !name.is_empty() {
            return vec![name];
        }
    }
    all_names(cx).to_vec()
}

/// The stack's group, and the one that it takes the place of: that sends its instances to another target group, or
/// lives in another network.
fn this<'a>(
    cx: &Context,
    seen: &'a Seen,
    known: &Known,
) -> Result<(Option<&'a Group>, Vec<&'a Group>), Blocked> {
    let target_group = known.exists(&Id::only("target-group"))?;
    let zones = cx.zones(known)?;
    let subnets = zones
        .iter()
        .map(|zone| known.exists(&in_zone("subnet", "private", zone)));
    let subnets: Vec<&Outputs> = subnets.collect::<Result<_, _>>()?;
    let own = seen
        .groups
        .values()
        .filter(|group| names::owned(&group.tags, &cx.spec.stack));
    let is_old = |group: &&Group| {
        let settings = &group.settings;
        let used = &settings.target_groups;
        let elsewhere = !used.is_empty() && !used.iter().any(|arn| target_group.is("arn", arn));
        let apart = !settings
            .subnets
            .iter()
            .any(|id| subnets.iter().any(|subnet| subnet.is("id", id)));
        elsewhere || apart || group.status.is_some()
    };
    let (old, fitting): (Vec<&Group>, Vec<&Group>) = own.partition(is_old);
    let recorded = cx
        .record(&Id::only(AutoScalingGroup::NAME))
        .map(|record| record.outputs.get("name"));
    let this = fitting
        .into_iter()
        .min_by_key(|group| recorded.as_ref() != Some(&group.settings.name));
    Ok((this, old))
}

/// A group under a name that is free, as large as the one that it takes the place of.
fn create(cx: &Context, id: &Id, seen: &Seen, old: &[&Group], settings: GroupSettings) -> Next {
    let names = all_names(cx);
    let free = names.iter().find(|name| !seen.groups.contains_key(*name));
    let foreign = seen
        .groups
        .get(&names[0])
        .filter(|group| !names::owned(&group.tags, &cx.spec.stack));
    let (Some(free), None) = (free, foreign) else {
        return match foreign {
            Some(group) => Next::refuse(super::foreign("Auto Scaling group", &group.settings.name)),
            None => Next::wait("an earlier group of the stack is still going", Outputs::default()),
        };
    };
    let desired = old
        .iter()
        .map(|group| group.desired.clamp(settings.min, settings.max))
        .max();
    let reason = format!("keeps {} to {} instances running", settings.min, settings.max);
    let create = CreateAutoScalingGroup {
        settings: Box::new(GroupSettings {
            name: free.clone(),
            ..settings
        }),
        desired,
        hooks: super::lifecycle_hook::wanted(cx),
        tags: group_tags(cx, id),
    };
    let old: Vec<&str> = old.iter().map(|group| group.settings.name.as_str()).collect();
    make(cx, id, &old, create, reason)
}

fn settings(cx: &Context, known: &Known) -> Result<GroupSettings, Blocked> {
    let launch = launch(cx, known)?;
    let check = &cx.spec.load_balancer.health_check;
    Ok(GroupSettings {
        name: names::stack(&cx.spec.stack),
        min: cx.spec.scaling.min,
        max: cx.spec.scaling.max,
        subnets: subnets(cx, known)?,
        target_groups: vec![known.exists(&Id::only("target-group"))?.get("arn")],
        launch_template: launch.launch_template,
        version: launch.version,
        instance_types: cx.spec.compute.instance_types.clone(),
        rebalance: launch.spot.is_some(),
        spot: launch.spot,
        grace: GRACE,
        warmup: warm_up(check),
        maintenance: MAINTENANCE,
    })
}

/// Tags of the group, which its instances inherit: in people's lists they carry the stack's name.
fn group_tags(cx: &Context, id: &Id) -> windlass_calls::Tags {
    let mut tags = names::tags(cx.spec, id);
    tags.insert("Name".into(), names::stack(&cx.spec.stack));
    tags
}

/// Ids of the private subnets.
fn subnets(cx: &Context, known: &Known) -> Result<Vec<String>, Blocked> {
    let zones = cx.zones(known)?;
    let subnets = zones.iter().map(|zone| {
        let subnet = known.exists(&in_zone("subnet", "private", zone))?;
        Ok(subnet.get("id"))
    });
    subnets.collect()
}

/// While there is a schedule, the bounds that the group has rule (rule 63); those of the spec are set once, when they are new.
/// Answers what of the spec's the group was given.
fn bounds(cx: &Context, id: &Id, group: &Group, wanted: &mut GroupSettings) -> String {
    let (spec, now) = (&cx.spec.scaling, (group.settings.min, group.settings.max));
    let said = (spec.min, spec.max);
    let given = |(min, max): (u32, u32)| format!("{min}-{max}");
    let record = cx.record(id).map(|record| record.outputs.get("bounds"));
    match record.filter(|earlier| *earlier != given(said)) {
        // Not before the group has them: who dies in between leaves what was given before.
        Some(earlier) if said != now => earlier,
        Some(_) => given(said),
        None => {
            (wanted.min, wanted.max) = now;
            given(said)
        }
    }
}

/// What instances are to be made from. One type alone is no choice: the template says it, and the group nothing, unless
/// there are spot instances.
fn launch(cx: &Context, known: &Known) -> Result<Launch, Blocked> {
    let template = known.ready(&Id::only("launch-template"))?;
    let (types, spot) = (&cx.spec.compute.instance_types, spot::wanted(cx));
    Ok(Launch {
        launch_template: template.get("id"),
        version: template.get("version").parse().unwrap_or(1),
        instance_types: choice(types, spot.as_ref()),
        spot,
    })
}

/// Seconds that an instance in service warms up: as long as the load balancer takes to find it healthy, and a minute at
/// least, because the group's metrics are minutes (rule 8).
#[must_use]
pub fn warm_up(check: &HealthCheck) -> u32 {
    LEAST_WARMUP.max(check.interval * check.healthy)
}

/// Launching goes on with another version of the spec than the one for which it was suspended. What somebody else
/// suspended is left alone (rule 62).
fn resume(cx: &Context, group: &Group) -> Option<ResumeProcesses> {
    let suspended = group.suspended.iter().any(|process| process == LAUNCH);
    let given_up = cx.given_up.get(&group.settings.name);
    let another = given_up.is_some_and(|version| version != cx.version);
    (suspended && another).then(|| ResumeProcesses {
        group: group.settings.name.clone(),
        processes: vec![LAUNCH.into()],
    })
}

/// What a group's next instances are made from.
fn launched(settings: &GroupSettings) -> Launch {
    let types = &settings.instance_types;
    Launch {
        launch_template: settings.launch_template.clone(),
        version: settings.version,
        instance_types: choice(types, settings.spot.as_ref()),
        spot: settings.spot.clone(),
    }
}

/// The types that a group chooses from.
fn choice(types: &[String], spot: Option<&Distribution>) -> Vec<String> {
    match types {
        [_] if spot.is_none() => vec![],
        types => types.to_vec(),
    }
}

/// What has to change of a group's settings, apart from what reaches running instances by a rollout; and what it is now.
fn difference(
    seen: &GroupSettings,
    wanted: &GroupSettings,
    share: Option<Launch>,
) -> Option<(GroupChange, serde_json::Value)> {
    fn other<T: PartialEq + Clone>(seen: &T, wanted: &T) -> Option<T> {
        (seen != wanted).then(|| wanted.clone())
    }
    let sorted = |subnets: &[String]| {
        let mut subnets = subnets.to_vec();
        subnets.sort();
        subnets
    };
    let change = GroupChange {
        min: other(&seen.min, &wanted.min),
        max: other(&seen.max, &wanted.max),
        subnets: other(&sorted(&seen.subnets), &sorted(&wanted.subnets)),
        grace: other(&seen.grace, &wanted.grace),
        warmup: other(&seen.warmup, &wanted.warmup),
        maintenance: other(&seen.maintenance, &wanted.maintenance),
        rebalance: other(&seen.rebalance, &wanted.rebalance),
        desired: None,
        launch: share,
    };
    let now = json!({
        "group": seen.name,
        "change": {
            "min": seen.min, "max": seen.max, "subnets": sorted(&seen.subnets), "grace": seen.grace,
            "warmup": seen.warmup, "maintenance": seen.maintenance, "rebalance": seen.rebalance, "launch": launched(seen),
        },
    });
    (change != GroupChange::default()).then_some((change, now))
}

/// How many wait to be let into service.
fn at_the_gate(group: &Group) -> String {
    let waits = |instance: &&autoscaling::Instance| instance.lifecycle_state == "Pending:Wait";
    match group.instances.iter().filter(waits).count() {
        0 => String::new(),
        1 => ", 1 waits at the gate".into(),
        many => format!(", {many} wait at the gate"),
    }
}

/// Ready with the least number of instances in service; else what keeps them.
fn capacity(cx: &Context, group: &Group, activities: &[Activity], outputs: Outputs) -> Next {
    let serving = group
        .instances
        .iter()
        .filter(|instance| instance.lifecycle_state == "InService")
        .count();
    let min = cx.spec.scaling.least() as usize;
    if serving >= min {
        return Next::InSync(outputs);
    }
    let mut launches = activities
        .iter()
        .filter(|activity| activity.description.starts_with(LAUNCHING));
    let failed = launches.next().filter(|activity| activity.status == "Failed");
    let why = failed.and_then(|activity| activity.message.as_deref());
    Next::wait(
        match why {
            Some(why) => format!("{serving} of {min} instances in service; the last launch failed: {why}"),
            None => format!("{serving} of {min} instances in service{}", at_the_gate(group)),
        },
        outputs,
    )
}
