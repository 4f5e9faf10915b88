//! Amazon CloudWatch Logs: the log group of a stack's containers.

use crate::Tags;

calls! { "logs", Logs;
    /// Log groups whose name begins so.
    DescribeLogGroups { /// Beginning of the name.
        prefix: String } => Vec<LogGroup>, Read;
    /// Tags of a log group; `ResourceNotFoundException` without one.
    ListTagsForResource { /// ARN of the log group, without the trailing `:*`.
        resource: String } => Tags, Read;

    /// A log group; one that exists answers `ResourceAlreadyExistsException`.
    CreateLogGroup { /// Name.
        name: String, /// Tags, set by the same call.
        tags: Tags } => done, Idempotent;
    /// How long a log group keeps what it gets.
    PutRetentionPolicy { /// Name.
        name: String, /// Days: 1, 3, 5, 7, 14, 30, 60, 90, …
        days: u32 } => done, Idempotent;

    /// Deletes a log group with everything in it.
    DeleteLogGroup { /// Name.
        name: String } => done, Delete;
}

/// A log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGroup {
    /// Name.
    pub name: String,
    /// ARN, without the trailing `:*`.
    pub arn: String,
    /// Days it keeps what it gets; `None` for ever.
    pub retention: Option<u32>,
}
