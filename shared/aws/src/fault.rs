//! Failures of the SDK, sorted by one question: may the call have taken effect?
//!
//! Guarantees: `Unsent` only when no connection was open or no request could be built; a service's own refusal keeps
//! its code, message and HTTP status, which `windlass-calls` classifies; everything else may have taken effect.
//! Which type of error an operation has does not matter: one conversion serves all services.

use std::error::Error;

use aws_sdk_ec2::error::{BuildError, ConnectorError, ProvideErrorMetadata, SdkError};
use windlass_calls::{Applied, CallError, Class};

/// A failure that does not know its action yet.
#[derive(Debug)]
pub(crate) enum Fault {
    /// AWS answered that it failed.
    Answered {
        /// AWS's code, or one derived from the status.
        code: String,
        /// AWS's words.
        message: String,
        /// HTTP status.
        status: u16,
    },
    /// No answer, or none that can be read.
    Unanswered(String),
    /// Nothing was sent.
    Unsent(String),
    /// A successful answer that is not what AWS documents.
    Unexpected(String),
}

impl Fault {
    /// A successful answer without a field we build on.
    pub(crate) fn missing(field: &str) -> Self {
        Self::Unexpected(format!("the answer has no {field}"))
    }

    /// Names the action that failed.
    pub(crate) fn of(self, action: &'static str) -> CallError {
        match self {
            Self::Answered {
                code,
                message,
                status,
            } => CallError::answered(action, &code, &message, status),
            Self::Unanswered(message) => CallError::unanswered(action, &message),
            Self::Unsent(message) => CallError::unsent(action, &message),
            // AWS said yes, so it may have taken effect; asking again would get the same answer.
            Self::Unexpected(message) => CallError {
                action,
                code: "UnexpectedAnswer".to_owned(),
                message,
                applied: Applied::Unknown,
                class: Class::Terminal,
            },
        }
    }
}

impl<E: ProvideErrorMetadata + Error + 'static> From<SdkError<E>> for Fault {
    fn from(error: SdkError<E>) -> Self {
        let refused = error
            .raw_response()
            .map(|raw| raw.status().as_u16())
            .filter(|status| *status >= 400);
        match (&error, refused) {
            (SdkError::ServiceError(_) | SdkError::ResponseError(_), Some(status)) => Self::Answered {
                code: error.code().map_or_else(|| code_of_status(status), str::to_owned),
                message: error.message().map_or_else(|| in_full(&error), str::to_owned),
                status,
            },
            (SdkError::ConstructionFailure(_), _) => Self::Unsent(in_full(&error)),
            (SdkError::DispatchFailure(failure), _)
                if failure.as_connector_error().is_some_and(never_connected) =>
            {
                Self::Unsent(in_full(&error))
            }
            _ => Self::Unanswered(in_full(&error)),
        }
    }
}

impl From<BuildError> for Fault {
    fn from(error: BuildError) -> Self {
        Self::Unsent(in_full(&error))
    }
}

/// Codes for answers whose body has none. Only S3's conditional writes answer 409 and 412 that way (rule 30).
fn code_of_status(status: u16) -> String {
    match status {
        409 => "ConditionalRequestConflict".to_owned(),
        412 => "PreconditionFailed".to_owned(),
        _ => format!("Http{status}"),
    }
}

/// Whether the failure proves that no connection was open: name resolution, refusal, TLS, connect time-out. Should the
/// SDK move to another HTTP client, this reads as "may have been sent", the safe side.
fn never_connected(error: &ConnectorError) -> bool {
    let causes = std::iter::successors(Some(error as &(dyn Error + 'static)), |error| (*error).source());
    causes
        .filter_map(|cause| cause.downcast_ref::<hyper_util::client::legacy::Error>())
        .any(hyper_util::client::legacy::Error::is_connect)
}

/// The error with all its causes: the outermost one alone says only "dispatch failure".
fn in_full(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::config::http::HttpResponse;
    use aws_sdk_ec2::error::ErrorMetadata;
    use aws_sdk_ec2::operation::create_vpc::CreateVpcError;
    use aws_sdk_s3::primitives::SdkBody;

    use super::*;

    const ACTION: &str = "ec2:CreateVpc";

    fn response(status: u16) -> HttpResponse {
        let status = status
            .try_into()
            .unwrap_or_else(|_| unreachable!("not an HTTP status"));
        HttpResponse::new(status, SdkBody::empty())
    }

    fn refusal(code: Option<&str>, status: u16) -> CallError {
        let metadata = ErrorMetadata::builder().message("words");
        let metadata = match code {
            Some(code) => metadata.code(code),
            None => metadata,
        };
        let error = SdkError::service_error(CreateVpcError::generic(metadata.build()), response(status));
        Fault::from(error).of(ACTION)
    }

    fn sorted(error: SdkError<CreateVpcError>) -> (Applied, Class) {
        let error = Fault::from(error).of(ACTION);
        (error.applied, error.class)
    }

    #[test]
    fn a_refusal_keeps_the_services_code_and_words() {
        let error = refusal(Some("VpcLimitExceeded"), 400);
        assert_eq!(
            (error.action, error.code.as_str(), error.message.as_str()),
            (ACTION, "VpcLimitExceeded", "words")
        );
        assert_eq!((error.applied, error.class), (Applied::No, Class::Terminal));
    }

    #[test]
    fn a_refusal_without_a_code_is_named_by_its_status() {
        let codes: Vec<_> = [409, 412, 403].map(|status| refusal(None, status).code).into();
        assert_eq!(
            codes,
            ["ConditionalRequestConflict", "PreconditionFailed", "Http403"]
        );
        assert_eq!(refusal(None, 412).class, Class::Conflict);
        assert_eq!(refusal(None, 403).class, Class::Terminal);
    }

    #[test]
    fn an_unreadable_refusal_is_still_a_refusal() {
        let error = SdkError::response_error("not XML", response(403));
        assert_eq!(sorted(error), (Applied::No, Class::Terminal));
    }

    #[test]
    fn an_unreadable_success_may_have_taken_effect() {
        let error = SdkError::response_error("cut short", response(200));
        assert_eq!(sorted(error), (Applied::Unknown, Class::Transient));
    }

    #[test]
    fn a_time_out_and_a_reset_connection_may_have_taken_effect() {
        assert_eq!(
            sorted(SdkError::timeout_error("10 s")),
            (Applied::Unknown, Class::Transient)
        );
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let reset = SdkError::dispatch_failure(ConnectorError::io(reset.into()));
        assert_eq!(sorted(reset), (Applied::Unknown, Class::Transient));
    }

    #[test]
    fn a_request_that_could_not_be_built_was_not_sent() {
        assert_eq!(
            sorted(SdkError::construction_failure("no region")),
            (Applied::No, Class::Transient)
        );
    }

    #[test]
    fn a_failures_text_goes_down_to_its_cause() {
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let error: SdkError<CreateVpcError> = SdkError::dispatch_failure(ConnectorError::io(reset.into()));
        assert_eq!(
            Fault::from(error).of(ACTION).message,
            "dispatch failure: io error: connection reset"
        );
    }

    #[test]
    fn a_missing_field_is_named_and_the_call_may_have_taken_effect() {
        let error = Fault::missing("VpcId").of(ACTION);
        assert_eq!(error.code, "UnexpectedAnswer");
        assert_eq!(error.message, "the answer has no VpcId");
        assert_eq!(error.applied, Applied::Unknown);
    }
}
