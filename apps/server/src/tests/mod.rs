mod control_task;
mod store;
