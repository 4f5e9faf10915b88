//! Service Quotas: how much of what the account may have in the Region.

calls! { "servicequotas", Quotas;
    /// One quota as it applies to the account; `NoSuchResourceException` where the service has not told Service Quotas.
    GetServiceQuota { /// Service code, `ec2`.
        service: String, /// Quota code, `L-0263D0A3`.
        quota: String } => Quota, Read;
}

/// A quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Service code, `ec2`.
    pub service: String,
    /// Quota code, `L-0263D0A3`.
    pub code: String,
    /// How many there may be, fractions cut off.
    pub value: u64,
}
