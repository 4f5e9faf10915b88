//! Service Quotas.

use aws_sdk_servicequotas::Client;
use aws_sdk_servicequotas::types as sdk;
use windlass_calls::CallError;
use windlass_calls::quotas::{GetServiceQuota, Quota, Request, Response};

use crate::answer::{field, part};
use crate::fault::Fault;

/// The largest value that AWS's floating-point number holds exactly: 2^53.
const MOST: f64 = 9_007_199_254_740_992.0;

pub(crate) async fn send(client: &Client, request: Request) -> Result<Response, CallError> {
    dispatch!(client, request, quotas; GetServiceQuota => get_service_quota)
}

async fn get_service_quota(client: &Client, call: GetServiceQuota) -> Result<Quota, Fault> {
    let answer = client
        .get_service_quota()
        .service_code(call.service)
        .quota_code(call.quota)
        .send()
        .await?;
    quota(part(answer.quota, "Quota")?)
}

fn quota(found: sdk::ServiceQuota) -> Result<Quota, Fault> {
    Ok(Quota {
        service: field(found.service_code, "ServiceCode")?,
        code: field(found.quota_code, "QuotaCode")?,
        value: whole(part(found.value, "Quota.Value")?)?,
    })
}

/// A value without its fraction.
fn whole(value: f64) -> Result<u64, Fault> {
    if !(0.0..=MOST).contains(&value) {
        return Err(Fault::Unexpected("Quota.Value is out of range".to_owned()));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "neither negative nor beyond 2^53, and cutting the fraction off is the purpose"
    )]
    Ok(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_a_whole_number() {
        assert_eq!(whole(5.0).ok(), Some(5));
        assert_eq!(whole(31.9).ok(), Some(31));
        assert_eq!(whole(0.0).ok(), Some(0));
    }

    #[test]
    fn a_value_that_is_no_count_is_an_error_that_names_it() {
        for value in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            let message = whole(value).map_err(|fault| fault.of("servicequotas:GetServiceQuota").message);
            assert_eq!(message.err().as_deref(), Some("Quota.Value is out of range"));
        }
    }
}
