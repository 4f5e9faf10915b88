//! The table form in which each service lists its operations.

/// Defines a service's operations: for each one its request struct, its [`Call`](crate::Call), and the service's
/// `Request` and `Response` enums. `=> done` marks an operation that answers nothing but success.
macro_rules! calls {
    ($service:literal, $outer:ident; $(
        $(#[$doc:meta])*
        $name:ident { $($(#[$field_doc:meta])* $field:ident : $type:ty),* $(,)? } => $answer:tt $(<$inner:ty>)?, $effect:ident;
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
            #[serde(rename_all = "camelCase")]
            pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

            impl $crate::Call for $name {
                type Response = calls!(@type $answer $(<$inner>)?);
                const ACTION: &'static str = concat!($service, ":", stringify!($name));
                const EFFECT: $crate::Effect = $crate::Effect::$effect;
                fn answer(response: $crate::Response) -> Option<Self::Response> {
                    match response {
                        $crate::Response::$outer(Response::$name(answer)) => Some(answer),
                        _ => None,
                    }
                }
            }

            impl From<$name> for $crate::Request {
                fn from(call: $name) -> Self { Self::$outer(Request::$name(call)) }
            }
        )*

        /// A request to this service.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(untagged)]
        pub enum Request { $($(#[$doc])* $name($name),)* }

        /// An answer of this service.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Response { $(
            #[doc = concat!("Answer to `", stringify!($name), "`.")]
            $name(calls!(@type $answer $(<$inner>)?)),
        )* }

        impl Request {
            /// The action as IAM names it.
            #[must_use]
            pub fn action(&self) -> &'static str {
                match self { $(Self::$name(_) => <$name as $crate::Call>::ACTION,)* }
            }
            pub(crate) fn effect(&self) -> $crate::Effect {
                match self { $(Self::$name(_) => <$name as $crate::Call>::EFFECT,)* }
            }
            pub(crate) fn done(&self) -> Option<Response> {
                match self { $(Self::$name(_) => calls!(@done $name $answer),)* }
            }
        }

        pub(crate) const OPERATIONS: &[(&str, $crate::Effect)] = &[
            $((<$name as $crate::Call>::ACTION, <$name as $crate::Call>::EFFECT),)*
        ];
    };
    (@type done) => { () };
    (@type $answer:tt $(<$inner:ty>)?) => { $answer $(<$inner>)? };
    (@done $name:ident done) => { Some(Response::$name(())) };
    (@done $name:ident $answer:tt) => { None };
}
