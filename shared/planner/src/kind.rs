//! What a resource kind is: one pure file that says which of it are wanted, how to look, and what to do next.

use serde::Serialize;
use serde_json::Value;
use windlass_calls::ec2::{
    DescribeAddresses, DescribeInstances, DescribeInternetGateways, DescribeLaunchTemplates,
    DescribeNatGateways, DescribeRouteTables, DescribeSecurityGroups, DescribeSubnets, DescribeVpcEndpoints,
    DescribeVpcs, Request as Ec2,
};
use windlass_calls::elb::Request as Elb;
use windlass_calls::{Request, Response};

use crate::context::{Context, Id, Known, Outputs};
use crate::names;

/// What another resource must be before this one can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// It must be there.
    Exists,
    /// It must be in sync and ready for use.
    Ready,
}

/// A resource that has to come first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// Which one.
    pub on: Id,
    /// What it must be.
    pub need: Need,
}

/// Whether a step makes a resource or changes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The resource is not there.
    Create,
    /// The resource was there and is seen dead: nothing has to be waited for until another one is made.
    Recreate,
    /// The resource does not show, and one is there that cannot become it, beside which it was made before.
    CreateBeside,
    /// One is there that AWS cannot change to what is wanted: another is made beside it, and takes its place. Only with
    /// `allowReplace: true`.
    Replace,
    /// It is there and lacks something.
    Update,
}

/// What to do about one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// As wanted, and ready for use.
    InSync(Outputs),
    /// Send this.
    Ensure {
        /// The call.
        request: Request,
        /// What it does to the resource.
        change: Change,
        /// Why, in words.
        reason: String,
        /// Its outputs, if it exists already.
        outputs: Option<Outputs>,
        /// The call's fields as they are now, where they are known: what a plan shows beside what will be.
        now: Box<Value>,
    },
    /// AWS is busy with it: look again later.
    Wait {
        /// What is waited for, in words.
        reason: String,
        /// Its outputs, if they are known.
        outputs: Option<Outputs>,
    },
    /// Nothing we may do makes it as wanted: a person must act.
    Refuse {
        /// Why, and what to do.
        reason: String,
        /// Its outputs, if it exists.
        outputs: Option<Outputs>,
    },
}

impl Next {
    /// A call that makes something.
    fn made(change: Change, request: impl Into<Request>, reason: impl Into<String>) -> Self {
        Self::Ensure {
            request: request.into(),
            change,
            reason: reason.into(),
            outputs: None,
            now: Box::default(),
        }
    }

    /// A create.
    pub fn create(request: impl Into<Request>, reason: impl Into<String>) -> Self {
        Self::made(Change::Create, request, reason)
    }

    /// A create in the place of something that is seen dead.
    pub fn recreate(request: impl Into<Request>, reason: impl Into<String>) -> Self {
        Self::made(Change::Recreate, request, reason)
    }

    /// A create beside something that cannot become what is wanted, and beside which it was made before.
    pub fn create_beside(request: impl Into<Request>, reason: impl Into<String>) -> Self {
        Self::made(Change::CreateBeside, request, reason)
    }

    /// A create beside something that cannot become what is wanted.
    pub fn replace(request: impl Into<Request>, reason: impl Into<String>) -> Self {
        Self::made(Change::Replace, request, reason)
    }

    /// A change of something that exists.
    pub fn update(request: impl Into<Request>, reason: impl Into<String>, outputs: Outputs) -> Self {
        Self::Ensure {
            request: request.into(),
            change: Change::Update,
            reason: reason.into(),
            outputs: Some(outputs),
            now: Box::default(),
        }
    }

    /// The step, with the call's fields as they are now.
    #[must_use]
    pub fn over(mut self, fields: impl Serialize) -> Self {
        if let Self::Ensure { now, .. } = &mut self {
            **now = serde_json::to_value(fields).unwrap_or_default();
        }
        self
    }

    /// Waiting for AWS.
    pub fn wait(reason: impl Into<String>, outputs: Outputs) -> Self {
        Self::Wait {
            reason: reason.into(),
            outputs: Some(outputs),
        }
    }

    /// A refusal.
    pub fn refuse(reason: impl Into<String>) -> Self {
        Self::Refuse {
            reason: reason.into(),
            outputs: None,
        }
    }

    /// Its outputs, if the resource exists.
    #[must_use]
    pub fn outputs(&self) -> Option<&Outputs> {
        match self {
            Self::InSync(outputs) => Some(outputs),
            Self::Ensure { outputs, .. } | Self::Wait { outputs, .. } | Self::Refuse { outputs, .. } => {
                outputs.as_ref()
            }
        }
    }
}

/// A resource as AWS shows it: its logical id, and what AWS knows it by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Present {
    /// Its logical id: that of what is wanted in its place, if anything is.
    pub id: Id,
    /// Its id, name or ARN: what the resource's `id` output would be.
    pub physical: String,
}

impl Present {
    /// A resource.
    #[must_use]
    pub fn new(id: Id, physical: &str) -> Self {
        Self {
            id,
            physical: physical.to_owned(),
        }
    }
}

/// How a resource goes that is not, or no longer, wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// Send this.
    Send {
        /// The call.
        request: Request,
        /// Why, in words.
        reason: String,
    },
    /// AWS is busy with it, or somebody else holds it: look again later.
    Wait {
        /// What is waited for, in words.
        reason: String,
    },
}

impl Removal {
    /// A call.
    pub fn send(request: impl Into<Request>, reason: impl Into<String>) -> Self {
        Self::Send {
            request: request.into(),
            reason: reason.into(),
        }
    }

    /// Waiting.
    pub fn wait(reason: impl Into<String>) -> Self {
        Self::Wait {
            reason: reason.into(),
        }
    }
}

/// A resource kind.
///
/// All methods are pure. `?` on [`Known::exists`] and [`Known::ready`] is how a kind says what it depends on: there is
/// no other list of edges.
pub trait Kind {
    /// What AWS shows of this kind in this stack: filled by [`Kind::read`], empty at the start of each pass.
    type Seen: Default + Clone;

    /// Its name, the first part of its logical ids: `nat-gateway`.
    const NAME: &'static str;

    /// The kinds of which everything that leaves has to be gone before one of this kind can go: rule 51.
    const AFTER: &'static [&'static str] = &[];

    /// Whether it is something of its own that has to be taken away. What is only chosen, looked at, or goes with another
    /// resource is not asked about when a stack is destroyed.
    const GOES: bool = true;

    /// Which resources of this kind the spec wants. Of a stack that is being destroyed nobody asks.
    ///
    /// # Errors
    /// What must be known first.
    fn wants(cx: &Context, known: &Known) -> Result<Vec<Id>, Blocked>;

    /// The calls that look at all of them: one per kind, not one per resource. Asked again after each answer, so that
    /// a second question can depend on the first answer; calls already answered in this pass are not repeated. An
    /// answer that the thing does not exist leaves `seen` as it is.
    ///
    /// # Errors
    /// What must be known first.
    fn queries(cx: &Context, known: &Known, seen: &Self::Seen) -> Result<Vec<Request>, Blocked>;

    /// Whether it is told the answer to a question, its own or another kind's. Answers about the whole account, in
    /// which other stacks' resources stand beside this one's, are for those who say so.
    #[must_use]
    fn hears(question: &Request) -> bool {
        !is_account_wide(question)
    }

    /// Folds an answer in: to a question that it hears, and of every change sent in this pass.
    fn read(seen: &mut Self::Seen, request: &Request, response: &Response);

    /// What to do about one wanted resource.
    ///
    /// # Errors
    /// What must come first.
    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked>;

    /// Everything of this kind that AWS shows of this stack, wanted or not. What is not wanted leaves, once everything
    /// wanted is as it should be. Empty for a kind that goes with another resource, and for what is only looked at.
    #[must_use]
    fn present(_: &Context, _: &Self::Seen) -> Vec<Present> {
        vec![]
    }

    /// How one of those goes that are not wanted. Asked again after each answer, as [`Kind::next`] is.
    #[must_use]
    fn remove(_: &Context, present: &Present, _: &Self::Seen) -> Removal {
        Removal::wait(format!("{} goes with what it belongs to", present.id))
    }
}

/// Whether a question is about more than one stack's resources.
#[must_use]
pub(crate) fn is_account_wide(question: &Request) -> bool {
    match question {
        Request::Ec2(
            Ec2::DescribeVpcs(DescribeVpcs { filters })
            | Ec2::DescribeSubnets(DescribeSubnets { filters })
            | Ec2::DescribeInternetGateways(DescribeInternetGateways { filters })
            | Ec2::DescribeAddresses(DescribeAddresses { filters })
            | Ec2::DescribeNatGateways(DescribeNatGateways { filters })
            | Ec2::DescribeRouteTables(DescribeRouteTables { filters })
            | Ec2::DescribeSecurityGroups(DescribeSecurityGroups { filters })
            | Ec2::DescribeLaunchTemplates(DescribeLaunchTemplates { filters })
            | Ec2::DescribeVpcEndpoints(DescribeVpcEndpoints { filters })
            | Ec2::DescribeInstances(DescribeInstances { filters }),
        ) => !filters.contains_key(&names::stack_filter()),
        Request::Elb(Elb::DescribeLoadBalancers(asked)) => asked.name.is_none(),
        Request::Elb(Elb::DescribeTargetGroups(asked)) => asked.name.is_none(),
        _ => false,
    }
}
