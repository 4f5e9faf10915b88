//! Why a call failed, answering the two questions a caller has: may it have taken effect, and what now?

use thiserror::Error;

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{action} failed with {code}: {message}")]
pub struct CallError {
    /// The action, `ec2:CreateVpc`.
    pub action: &'static str,
    /// AWS's own error code, `VpcLimitExceeded`; `Timeout` or `Connection` when there was no answer.
    pub code: String,
    /// AWS's own words.
    pub message: String,
    /// Whether the call took effect.
    pub applied: Applied,
    /// What to do about it.
    pub class: Class,
}

/// Whether a failed call took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Applied {
    /// AWS refused it.
    No,
    /// It did, before the failure.
    Yes,
    /// The answer was lost: observe before sending it again.
    Unknown,
}

/// What to do about a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Too many calls: again later, with jitter.
    Throttled,
    /// AWS's fault or the network's: again later.
    Transient,
    /// Something it needs is not there yet, or not visible yet: again later.
    NotYet,
    /// What it names does not exist.
    Gone,
    /// What it would create exists.
    Exists,
    /// Somebody else changed it first.
    Conflict,
    /// Trying again will not help: a person must act.
    Terminal,
}

impl CallError {
    /// Sorts an error code that AWS answered with. The rules of all services stand here, so that the adapter and the
    /// simulator cannot disagree.
    ///
    /// `status` is the HTTP status; a 5xx may have taken effect.
    #[must_use]
    pub fn answered(action: &'static str, code: &str, message: &str, status: u16) -> Self {
        let class = classify(code, message, status);
        let applied = if status >= 500 && class != Class::Throttled {
            Applied::Unknown
        } else {
            Applied::No
        };
        Self {
            action,
            code: code.to_owned(),
            message: message.to_owned(),
            applied,
            class,
        }
    }

    /// Whether the call's client token belongs to something else: dead by now, or made from other parameters. Only another
    /// token helps.
    #[must_use]
    pub fn token_is_spent(&self) -> bool {
        matches!(
            self.code.as_str(),
            "IdempotentInstanceTerminated" | "IdempotentParameterMismatch"
        )
    }

    /// Whether it says that the very thing to be taken away is gone, and not what it was to be taken from, which may only
    /// not be visible yet.
    #[must_use]
    pub fn says_taken_away(&self) -> bool {
        matches!(
            self.code.as_str(),
            "InvalidPermission.NotFound" | "InvalidAssociationID.NotFound" | "ActiveInstanceRefreshNotFound"
        )
    }

    /// A call without an answer: time-out, reset connection. It may have taken effect.
    #[must_use]
    pub fn unanswered(action: &'static str, message: &str) -> Self {
        Self {
            action,
            code: "NoAnswer".to_owned(),
            message: message.to_owned(),
            applied: Applied::Unknown,
            class: Class::Transient,
        }
    }

    /// A call that could not be sent at all: no route, connection refused.
    #[must_use]
    pub fn unsent(action: &'static str, message: &str) -> Self {
        Self {
            applied: Applied::No,
            code: "NotSent".to_owned(),
            ..Self::unanswered(action, message)
        }
    }
}

/// Whether the code says that there were too many calls (rule 44).
fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "RequestLimitExceeded"
            | "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "TooManyRequestsException"
            | "RequestThrottled"
            | "SlowDown"
            | "BandwidthLimitExceeded"
            | "ResourceContention"
            | "LimitExceededException.Throttled"
    )
}

/// What Auto Scaling says in words only: a lifecycle action was completed already, or its time is up (rule 16); the hook
/// itself is gone; the instance left its group; a scheduled action or a policy was deleted already.
const MISSING: [&str; 5] = [
    "No active Lifecycle Action found",
    "No Lifecycle Hook found",
    "No managed instance found",
    "Scheduled action name not found",
    "Policy name not found",
];

/// Sorts an AWS error code. Rules 7, 30, 31, 34, 40, 44 of the AWS facts.
fn classify(code: &str, message: &str, status: u16) -> Class {
    match code {
        _ if is_throttling(code) => Class::Throttled,
        "PreconditionFailed"
        | "ConditionalRequestConflict"
        | "ConcurrentModification"
        | "ConcurrentModificationException"
        | "ConcurrentAccess"
        | "ConcurrentAccessException"
        | "StaleTag"
        | "StaleTagException"
        | "ConflictException"
        | "OperationAbortedException"
        | "OperationAborted" => Class::Conflict,
        // Only a person can mend what these do not find.
        "CertificateNotFound" | "SSLPolicyNotFound" => Class::Terminal,
        // Shortly after the VPC was told to hand out DNS names.
        "InvalidParameter" if message.contains("nabling private DNS") => Class::NotYet,
        "EntityAlreadyExists"
        | "AlreadyExists"
        | "AlreadyExistsFault"
        | "ResourceAlreadyExistsException"
        | "DuplicateListener"
        | "DuplicateLoadBalancerName"
        | "DuplicateTargetGroupName"
        | "PriorityInUse"
        | "InvalidGroup.Duplicate"
        | "InvalidPermission.Duplicate"
        | "RouteAlreadyExists"
        | "Resource.AlreadyAssociated"
        | "Resource.AlreadyAssigned"
        | "InstanceRefreshInProgress"
        | "InvalidLaunchTemplateName.AlreadyExistsException"
        | "InvalidSubnet.Conflict" => Class::Exists,
        "NoSuchKey"
        | "NoSuchEntity"
        | "LoadBalancerNotFound"
        | "TargetGroupNotFound"
        | "ListenerNotFound"
        | "ParameterNotFound"
        | "NatGatewayNotFound"
        | "DashboardNotFoundError"
        | "IdempotentInstanceTerminated"
        | "ActiveInstanceRefreshNotFound"
        | "Gateway.NotAttached"
        | "NoSuchResourceException"
        | "ResourceNotFoundException" => Class::Gone,
        "LimitExceeded" if message.contains("InstanceProfile") => Class::Exists,
        "ScalingActivityInProgress"
        | "InvalidTarget"
        | "DependencyViolation"
        | "IncorrectState"
        | "IncorrectInstanceState"
        | "InvalidVpcState"
        | "ResourceInUse"
        | "DeleteConflict"
        | "InvalidIPAddress.InUse"
        | "InvalidNetworkInterface.InUse"
        | "InvalidSecurityGroup"
        | "InvalidSubnet"
        // No SSM agent of the instance has registered, or no agent has heard of the command.
        | "InvalidInstanceId"
        | "InvocationDoesNotExist" => Class::NotYet,
        "InternalError"
        | "InternalFailure"
        | "ServiceUnavailable"
        | "Unavailable"
        | "InternalServerError"
        | "RequestTimeout"
        | "ServiceUnavailableException" => Class::Transient,
        "ValidationError"
        | "InvalidParameterValue"
        | "InvalidIamInstanceProfile"
        | "MalformedPolicyDocument"
            if message.contains("nstance") && message.contains("rofile") =>
        {
            Class::NotYet
        }
        "ValidationError" if MISSING.iter().any(|words| message.contains(words)) => Class::Gone,
        // Services that look at another's resources say so in words only (rule 34).
        "ValidationError" | "InvalidParameterValue"
            if ["not found", "not exist", "ould not find", "ensure they exist"]
                .iter()
                .any(|words| message.contains(words)) =>
        {
            Class::NotYet
        }
        _ if code.ends_with("NotFound") || code.ends_with(".NotFoundException") => Class::Gone,
        _ if status == 429 => Class::Throttled,
        _ if status >= 500 => Class::Transient,
        _ => Class::Terminal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(code: &str, message: &str, status: u16) -> Class {
        CallError::answered("ec2:Any", code, message, status).class
    }

    #[test]
    fn throttling_of_every_service_is_throttled_and_not_applied() {
        for (code, status) in [
            ("RequestLimitExceeded", 503),
            ("Throttling", 400),
            ("SlowDown", 503),
            ("ResourceContention", 500),
        ] {
            let error = CallError::answered("ec2:CreateVpc", code, "", status);
            assert_eq!(
                (error.class, error.applied),
                (Class::Throttled, Applied::No),
                "{code}"
            );
        }
    }

    #[test]
    fn a_server_error_may_have_taken_effect() {
        let error = CallError::answered("ec2:CreateVpc", "InternalError", "", 500);
        assert_eq!((error.class, error.applied), (Class::Transient, Applied::Unknown));
    }

    #[test]
    fn a_quota_needs_a_person() {
        assert_eq!(class("AddressLimitExceeded", "", 400), Class::Terminal);
        assert_eq!(class("VpcLimitExceeded", "", 400), Class::Terminal);
        assert_eq!(class("UnauthorizedOperation", "", 403), Class::Terminal);
    }

    #[test]
    fn a_new_instance_profile_that_is_not_visible_yet_is_worth_waiting_for() {
        let message = "Value (windlass-dev-web) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name";
        assert_eq!(class("ValidationError", message, 400), Class::NotYet);
        assert_eq!(
            class("ValidationError", "MinSize is larger than MaxSize", 400),
            Class::Terminal
        );
    }

    #[test]
    fn another_services_resource_that_is_not_visible_yet_is_worth_waiting_for() {
        assert_eq!(
            class("ValidationError", "The VPC ID 'vpc-1' is not found", 400),
            Class::NotYet
        );
        assert_eq!(
            class("ValidationError", "The subnet ID 'subnet-1' does not exist", 400),
            Class::NotYet
        );
        let words = "Provided Target Groups may not be valid. Please ensure they exist and try again.";
        assert_eq!(class("ValidationError", words, 400), Class::NotYet);
    }

    #[test]
    fn completing_a_lifecycle_action_twice_finds_it_gone() {
        let words = "No active Lifecycle Action found with instance ID i-0123456789abcdef0";
        assert_eq!(class("ValidationError", words, 400), Class::Gone);
    }

    #[test]
    fn the_health_of_an_instance_that_left_its_group_finds_it_gone() {
        let words = "Instance Id not found - No managed instance found for instance ID: i-0123456789abcdef0";
        assert_eq!(class("ValidationError", words, 400), Class::Gone);
    }

    #[test]
    fn a_lost_race_on_s3_is_a_conflict() {
        assert_eq!(class("PreconditionFailed", "", 412), Class::Conflict);
        assert_eq!(class("ConditionalRequestConflict", "", 409), Class::Conflict);
    }

    #[test]
    fn a_certificate_that_does_not_exist_needs_a_person() {
        assert_eq!(class("CertificateNotFound", "", 400), Class::Terminal);
        assert_eq!(class("SSLPolicyNotFound", "", 400), Class::Terminal);
    }

    #[test]
    fn private_dns_right_after_the_vpc_was_told_to_hand_out_names_is_worth_waiting_for() {
        let message = "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true";
        assert_eq!(class("InvalidParameter", message, 400), Class::NotYet);
        assert_eq!(
            class("InvalidParameter", "Tags Reason: other", 400),
            Class::Terminal
        );
    }

    #[test]
    fn an_agent_that_has_not_registered_and_a_command_that_it_has_not_heard_of_are_worth_waiting_for() {
        for code in ["InvalidInstanceId", "InvocationDoesNotExist"] {
            assert_eq!(class(code, "", 400), Class::NotYet, "{code}");
        }
    }

    #[test]
    fn two_writers_at_once_are_a_conflict_in_every_service() {
        for code in [
            "OperationAbortedException",
            "ConcurrentAccess",
            "ConflictException",
        ] {
            assert_eq!(class(code, "", 409), Class::Conflict, "{code}");
        }
    }

    #[test]
    fn not_found_right_after_create_reads_as_gone_and_is_the_engines_to_judge() {
        for code in [
            "InvalidVpcID.NotFound",
            "InvalidSubnetID.NotFound",
            "InvalidRouteTableID.NotFound",
            "InvalidGroup.NotFound",
        ] {
            assert_eq!(class(code, "", 400), Class::Gone, "{code}");
        }
    }
}
