//! Subscriptions to the topic: who hears of trouble.
//!
//! Subscribing an address again sends it another confirmation, and what is not confirmed vanishes after some days
//! (rule 66). So an address is subscribed once for each upload of the spec, however many passes there are: to be asked
//! again, upload the spec again. A topic that is made anew knows nobody: then everybody is asked. That the earlier one
//! was gone is recorded before, as subscriptions that are not settled, so that a pass that dies in between leaves that.

use windlass_calls::sns::{self, ListSubscriptionsByTopic, Response as Sns, Subscribe, Unsubscribe};
use windlass_calls::{Request, Response};
use windlass_spec::Contact;

use crate::context::{Context, Id, Known, Outputs};
use crate::kind::{Blocked, Kind, Next, Present, Removal};

/// A subscription. Ids carry the address: `subscription/ops@example.com`.
pub struct Subscription;

/// SNS's word for how an address is reached, and the address.
fn contact(contact: &Contact) -> (&'static str, &str) {
    match contact {
        Contact::Email(address) => ("email", address),
        Contact::Https(url) => ("https", url),
    }
}

/// What AWS shows.
#[derive(Default, Clone)]
pub struct Seen {
    subscriptions: Vec<sns::Subscription>,
    /// The topic was made in this pass.
    anew: bool,
}

impl Kind for Subscription {
    type Seen = Seen;
    const NAME: &'static str = "subscription";
    const GOES: bool = false;

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

    fn read(seen: &mut Self::Seen, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Sns(Sns::ListSubscriptionsByTopic(subscriptions))) => {
                seen.subscriptions.clone_from(subscriptions);
            }
            (_, Response::Sns(Sns::CreateTopic(_))) => seen.anew = true,
            (_, Response::Sns(Sns::Subscribe(subscription))) => {
                seen.subscriptions.push(subscription.clone());
            }
            (Request::Sns(sns::Request::Unsubscribe(end)), _) => {
                seen.subscriptions.retain(|one| one.arn != end.subscription);
            }
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
            .is_some_and(|record| record.settled && record.outputs.get("askedFor") == cx.version);
        let there = seen
            .subscriptions
            .iter()
            .any(|one| one.protocol == protocol && one.endpoint == address);
        Ok(if there || (asked && !seen.anew) {
            Next::InSync(outputs)
        } else {
            let subscribe = Subscribe {
                topic,
                protocol: protocol.into(),
                endpoint: address.into(),
            };
            // Until it is answered nobody was asked.
            let outputs = Outputs::id(address).with("askedFor", "");
            super::set(cx, id, subscribe, format!("{address} hears of trouble"), outputs)
        })
    }

    /// Those that an earlier spec asked for. One that was never confirmed cannot be ended, and ends by itself (rule 66).
    fn present(cx: &Context, seen: &Self::Seen) -> Vec<Present> {
        let id = |one: &sns::Subscription| Id::of(Self::NAME, &one.endpoint);
        let ours = seen
            .subscriptions
            .iter()
            .filter(|one| one.arn.starts_with("arn:") && cx.record(&id(one)).is_some());
        ours.map(|one| Present::new(id(one), &one.endpoint)).collect()
    }

    fn remove(_: &Context, it: &Present, seen: &Self::Seen) -> Removal {
        let reason = format!("{} is to hear of trouble no more", it.physical);
        match seen.subscriptions.iter().find(|one| one.endpoint == it.physical) {
            Some(one) => {
                let subscription = one.arn.clone();
                Removal::send(Unsubscribe { subscription }, reason)
            }
            None => Removal::wait(reason),
        }
    }
}
