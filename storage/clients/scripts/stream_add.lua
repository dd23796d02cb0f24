for i = 2, #ARGV do arrive(ARGV[1], ARGV[i]) end
