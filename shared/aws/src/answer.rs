//! Small steps that reading any service's answers takes: required fields, numbers, pages.

use aws_smithy_async::future::pagination_stream::PaginationStream;

use windlass_calls::Tags;

use crate::fault::Fault;

/// The most items that one read collects. AWS's quotas for what we create lie far below it, so reaching it means that
/// a filter was lost; failing is better than working with a part of the answer.
const MOST_ITEMS: usize = 10_000;

/// A field that the answer must have, as text. Takes strings and the SDK's enums alike.
pub(crate) fn field(value: Option<impl AsRef<str>>, name: &str) -> Result<String, Fault> {
    value
        .map(|value| value.as_ref().to_owned())
        .ok_or_else(|| Fault::missing(name))
}

/// A field that the answer may leave out, as text.
pub(crate) fn or_empty(value: Option<impl AsRef<str>>) -> String {
    value.map(|value| value.as_ref().to_owned()).unwrap_or_default()
}

/// A part of the answer that it must have.
pub(crate) fn part<T>(value: Option<T>, name: &str) -> Result<T, Fault> {
    value.ok_or_else(|| Fault::missing(name))
}

/// A number that the answer must have, in our unsigned type.
pub(crate) fn number<N, T: TryFrom<N>>(value: Option<N>, name: &str) -> Result<T, Fault> {
    T::try_from(part(value, name)?).map_err(|_| Fault::Unexpected(format!("{name} is out of range")))
}

/// A number that the answer may leave out, or set to -1 to mean the same: 0 then.
pub(crate) fn or_zero<T: TryFrom<i32> + Default>(value: Option<i32>) -> T {
    value
        .and_then(|value| T::try_from(value).ok())
        .unwrap_or_default()
}

/// A number of ours as the SDK's signed type; nothing we ask for comes near its end.
pub(crate) fn signed(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// Tags of something just created: what the answer says, else what the request set, as both are one call.
pub(crate) fn tags_or(answered: Tags, sent: Tags) -> Tags {
    if answered.is_empty() { sent } else { answered }
}

/// All items of all pages.
pub(crate) async fn every<T, E>(mut items: PaginationStream<Result<T, E>>) -> Result<Vec<T>, Fault>
where
    Fault: From<E>,
{
    let mut found = Vec::new();
    while let Some(item) = items.next().await {
        if found.len() == MOST_ITEMS {
            return Err(Fault::Unexpected(format!(
                "the answer has more than {MOST_ITEMS} items"
            )));
        }
        found.push(item?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_field_fails_by_name() {
        let fault = field(None::<String>, "VpcId").map_err(|fault| fault.of("ec2:CreateVpc").message);
        assert_eq!(fault.err().as_deref(), Some("the answer has no VpcId"));
    }

    #[test]
    fn a_number_out_of_range_fails_by_name() {
        let fault = number::<i32, u16>(Some(70_000), "Port").map_err(|fault| fault.of("ec2:Any").message);
        assert_eq!(fault.err().as_deref(), Some("Port is out of range"));
    }

    #[test]
    fn minus_one_means_unset() {
        assert_eq!(
            (
                or_zero::<u32>(Some(-1)),
                or_zero::<u32>(None),
                or_zero::<u32>(Some(90))
            ),
            (0, 0, 90)
        );
    }
}
