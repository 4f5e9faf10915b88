//! Subscriptions to the topic: who hears of trouble.
//!
//! Subscribing an address again sends it another confirmation, and what is not confirmed vanishes after some days
//! (rule 66). So an address is subscribed once for each upload of the spec, however many passes there are: to be asked
//! again, upload the spec again.

use windlass_calls::sns::{self, ListSubscriptionsByTopic, Response as Sns, Subscribe};
use windlass_calls::{Request, Response};
use windlass_spec::Contact;

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next};

/// A subscription. Ids carry the address: `subscription/ops@example.com`.
pub struct Subscription;

/// SNS's word for how an address is reached, and the address.
fn contact(contact: &Contact) -> (&'static str, &str) {
    match contact {
        Contact::Email(address) => ("email", address),
        Contact::Https(url) => ("https", url),
    }
}

impl Kind for Subscription {
    type Seen = Vec<sns::Subscription>;
    const NAME: &'static str = "subscription";

    fn wants(cx: &Context, _: &Known) -> Result<Vec<Id>, Blocked> {
        let contacts = cx.spec.monitoring.notify.iter().map(contact);
        Ok(contacts.map(|(_, address)| Id::of(Self::NAME, address)).collect())
    }

    fn queries(cx: &Context, known: &Known, _: &Self::Seen) -> Result<Vec<Request>, Blocked> {
        if cx.spec.monitoring.notify.is_empty() {
            return Ok(vec![]);
        }
        let topic = known.exists(&Id::only("topic"))?.get("arn");
        Ok(vec![ListSubscriptionsByTopic { topic }.into()])
    }

    fn read(seen: &mut Self::Seen, _: &Request, response: &Response) {
        match response {
            Response::Sns(Sns::ListSubscriptionsByTopic(subscriptions)) => seen.clone_from(subscriptions),
            Response::Sns(Sns::Subscribe(subscription)) => seen.push(subscription.clone()),
            _ => {}
        }
    }

    fn next(cx: &Context, id: &Id, seen: &Self::Seen, known: &Known) -> Result<Next, Blocked> {
        let topic = known.exists(&Id::only("topic"))?.get("arn");
        let contacts = cx.spec.monitoring.notify.iter().map(contact);
        let Some((protocol, address)) = contacts.into_iter().find(|(_, address)| *address == id.part())
        else {
            return Ok(Next::refuse(format!("the spec has no {id}")));
        };
        let outputs = Outputs::id(address).with("askedFor", cx.version);
        let asked = cx
            .record(id)
            .is_some_and(|record| record.outputs.get("askedFor") == cx.version);
        let there = seen
            .iter()
            .any(|one| one.protocol == protocol && one.endpoint == address);
        Ok(if there || asked {
            Next::InSync(outputs)
        } else {
            let subscribe = Subscribe {
                topic,
                protocol: protocol.into(),
                endpoint: address.into(),
            };
            super::set(cx, id, subscribe, format!("{address} hears of trouble"), outputs)
        })
    }
}
