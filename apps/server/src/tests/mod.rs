mod addresses;
mod clients;
mod control_task;
mod static_files;
mod store;
