use crate::Time;

/// The one grammar of every state machine: inputs go in with the moment at which they come, and after each one [`Self::poll`] is called
/// until it is [`Polled::Idle`].
///
/// Every input does what is due at its moment; when nothing else comes by the moment of `Idle`, the machine's `Input::Timeout` does. A
/// parent that holds machines drains them inside its own `poll`; a shell drives one machine and performs its outputs in order.
pub trait Machine {
    /// What comes in. One of its variants is `Timeout`: the moment of [`Polled::Idle`] has come.
    type Input<'a>;
    /// What the caller must do, or is told.
    type Output;
    /// Why an input was refused. The machine goes on as if it had not come.
    type Error;

    /// Takes one input. `now` never runs backwards.
    fn handle(&mut self, input: Self::Input<'_>, now: Time) -> Result<(), Self::Error>;

    /// The next output.
    fn poll(&mut self) -> Polled<Self::Output>;
}

/// What [`Machine::poll`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled<O> {
    /// To be performed before the next call.
    Output(O),
    /// Nothing more until an input comes or this moment does; [`Time::MAX`] is never.
    Idle(Time),
}
