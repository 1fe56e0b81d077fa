SELECT * FROM booking.next_available();
