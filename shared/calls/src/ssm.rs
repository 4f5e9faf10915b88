//! Systems Manager: public and private parameters that hold image ids, and commands run on instances by their SSM agent.

calls! { "ssm", Ssm;
    /// The value of a parameter; `ParameterNotFound` without one.
    GetParameter { /// Path with its leading `/`.
        name: String } => String, Read;
    /// What is known of the agents of instances; an instance whose agent never registered is left out.
    DescribeInstanceInformation { /// Instance ids, at least one.
        instances: Vec<String> } => Vec<InstanceInformation>, Read;
    /// How far a command is on an instance; `InvocationDoesNotExist` for seconds after it was sent.
    GetCommandInvocation { /// Command id.
        command: String, /// Instance id.
        instance: String } => Invocation, Read;

    /// Runs shell commands on an instance as root, by the document `AWS-RunShellScript`. There is no client token: sent
    /// again, it runs again. An instance whose agent never registered answers `InvalidInstanceId`.
    SendCommand { /// Instance id.
        instance: String, /// Lines of one shell script.
        commands: Vec<String>, /// Seconds until a command that the agent did not begin is given up, at least 30.
        delivery: u32, /// Seconds that the script may run, from 1.
        timeout: u32 } => CommandId, Once;
}

/// Id of a command that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandId(pub String);

/// What is known of an instance's agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceInformation {
    /// Instance id.
    pub instance: String,
    /// `Online`, `ConnectionLost` or `Inactive`.
    pub ping: String,
}

/// A command on one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// `Pending`, `InProgress`, `Delayed`, `Success`, `Cancelled`, `TimedOut`, `Failed` or `Cancelling`.
    pub status: String,
    /// The first 24,000 characters of what it printed, once it has ended.
    pub output: String,
}

impl InstanceInformation {
    /// Whether the agent answers.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.ping == "Online"
    }
}

impl Invocation {
    /// Whether it runs no more, and its output is complete.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(
            self.status.as_str(),
            "Success" | "Cancelled" | "TimedOut" | "Failed"
        )
    }
}
