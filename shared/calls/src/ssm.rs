//! Systems Manager: public and private parameters that hold image ids.

calls! { "ssm", Ssm;
    /// The value of a parameter; `ParameterNotFound` without one.
    GetParameter { /// Path with its leading `/`.
        name: String } => String, Read;
}
