mod addresses;
mod bus;
mod clients;
mod control_task;
mod store;
