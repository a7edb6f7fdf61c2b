"""The exchange with devices: enrolment, challenges, check-in. It owns every POST of a device."""
