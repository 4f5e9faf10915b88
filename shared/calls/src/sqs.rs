//! Amazon SQS: wake-ups to ourselves.

calls! { "sqs", Sqs;
    /// Sends a message that becomes visible after a delay. A repeat sends a second one, which the wake token makes
    /// harmless.
    SendMessage { /// Queue URL.
        queue: String, /// Body.
        body: String, /// Seconds, 0 to 900 (rule 22).
        delay: u16 } => done, Idempotent;
}
